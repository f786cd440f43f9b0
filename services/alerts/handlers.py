"""What the alerts service does about a cause: one message when it begins to stand, reminders, one when it is gone."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import partial

from contracts.alerts import AlertSent
from contracts.reasons import Reason
from services.alerts.cause import CLEARED, ISSUE, AlertCause, AlertIssue, parse_cause, select_recipients
from services.alerts.message import Notice, NoticeKind, compose_open, compose_resolved
from services.alerts.projection import LAST_ALERT, find_late_orders, next_late_at, projection_rules
from services.engine.clock import TBILISI
from services.engine.outbox.decision import Decision, Delivery
from services.engine.outbox.handlers import Handlers
from services.engine.state.records import State
from services.settings.alerts import AlertSettings, RecipientSettings
from services.settings.model import Settings

# When a message leaves: after more of its cause was gathered, not too soon after the last one, not in quiet hours.


def opening_due_at(since: datetime, told: AlertSent | None, settings: AlertSettings) -> datetime:
    """When a recipient is told that a cause stands; `told` is the end of its last episode, if there was one."""
    gathered = since + timedelta(seconds=settings.gather)
    return gathered if told is None else max(gathered, told.sent_at + timedelta(seconds=settings.quiet))


def resolution_due_at(cleared: datetime, settings: AlertSettings) -> datetime:
    """When a recipient is told that a cause is gone: once it has stayed so."""
    return cleared + timedelta(seconds=settings.calm)


def reminder_due_at(told: AlertSent, settings: AlertSettings) -> datetime:
    """When a recipient is reminded: each time after twice as long."""
    gap = min(settings.remind * 2.0 ** min(told.reminders, 20), settings.remind_at_most)
    return told.sent_at + timedelta(seconds=gap)


def after_quiet_hours(moment: datetime, quiet_hours: str | None) -> datetime:
    """The moment, or the end of the quiet hours that it falls into (`22:00-08:00`, Tbilisi)."""
    if quiet_hours is None:
        return moment
    begin, end = (time.fromisoformat(part.strip()) for part in quiet_hours.split("-"))
    local = moment.astimezone(TBILISI)
    clock = local.timetz().replace(tzinfo=None)
    if not (begin <= clock < end if begin < end else clock >= begin or clock < end):
        return moment
    day = local.date() + timedelta(days=1) if clock >= end else local.date()
    return datetime.combine(day, end, TBILISI).astimezone(moment.tzinfo)


SERVICE = "alerts"
TOPICS = ("dead-letters", "operations", "shop.orders", "ledger.documents")


def alert_lane_name(recipient: str) -> str:
    """Each recipient has a lane of its own: one that cannot be reached holds up no other."""
    return f"alerts:{recipient}"


def handlers(settings: Settings, alerts: AlertSettings) -> Handlers:
    """The rules of the service under these settings. A subject is the name of a cause."""
    return Handlers(topics=TOPICS, remember=projection_rules(settings), decide=partial(decide_alerts, alerts))


def decide_alerts(settings: AlertSettings, subject: str, state: State) -> Decision:
    """The messages about a cause that are wanted now."""
    about = parse_cause(subject)
    standing = _standing(settings, about, state)
    known = select_recipients(about, settings.recipients)
    told = {name: _told(settings, about, name, state) for name in known}
    wanted = [_wanted(settings, about, standing, name, known[name], told[name], state) for name in known]
    return Decision(
        deliveries=tuple(delivery for delivery in wanted if delivery is not None),
        again_at=_again_at(settings, about, bool(standing), [one for one in told.values() if one], state),
    )


def _standing(settings: AlertSettings, about: AlertCause, state: State) -> list[AlertIssue]:
    if about.reason == Reason.SALE_OVERDUE:
        return list(find_late_orders(about.shop, settings.paid_order_limit, state))
    return list(state.find(ISSUE, about.name).values())


def _told(settings: AlertSettings, about: AlertCause, recipient: str, state: State) -> AlertSent | None:
    """The last message of this cause to a recipient; what a dry run recorded was never sent."""
    told = state.get(LAST_ALERT, f"{about.name}|{recipient}")
    return None if told is not None and told.dry_run and not settings.dry_run else told


def _wanted(
    settings: AlertSettings,
    about: AlertCause,
    standing: list[AlertIssue],
    name: str,
    recipient: RecipientSettings,
    told: AlertSent | None,
    state: State,
) -> Delivery | None:
    """The message that a recipient should get next, unless it is too early to know."""
    is_open = told is not None and told.what != "resolved"
    if standing and not is_open:
        since = min(each.since for each in standing)
        notice = _notice("opened", about, standing, name, recipient, (told.episode if told else 0) + 1)
        return _delivery(notice, opening_due_at(since, told, settings), recipient)
    if told is None or not is_open:
        return None
    if not standing:
        cleared = state.get(CLEARED, about.name)
        message = compose_resolved(about, told, recipient.language)
        notice = Notice.of(told, "resolved", message)
        return _delivery(notice, resolution_due_at(cleared.at if cleared else told.sent_at, settings), recipient)
    due = reminder_due_at(told, settings)
    if due > state.now:
        return None
    notice = _notice("reminded", about, standing, name, recipient, told.episode, told.reminders + 1)
    return _delivery(notice, due, recipient)


def _notice(
    what: NoticeKind,
    about: AlertCause,
    standing: list[AlertIssue],
    name: str,
    recipient: RecipientSettings,
    episode: int,
    reminders: int = 0,
) -> Notice:
    message = compose_open(about, standing, "reminded" if what == "reminded" else "opened", recipient.language)
    return Notice(
        cause=about.name,
        recipient=name,
        what=what,
        episode=episode,
        reminders=reminders,
        standing=len(standing),
        opened_at=min(each.since for each in standing),
        title=message.title,
        body=message.body,
    )


def _delivery(notice: Notice, moment: datetime, recipient: RecipientSettings) -> Delivery:
    return Delivery(
        id=notice.id,
        kind="alert",
        lane=alert_lane_name(notice.recipient),
        key=notice.cause,
        payload=notice.model_dump(mode="json"),
        not_before=after_quiet_hours(moment, recipient.quiet_hours),
    )


def _again_at(
    settings: AlertSettings, about: AlertCause, stands: bool, told: list[AlertSent], state: State
) -> datetime | None:
    """When time alone changes what is wanted: a reminder is due, or one more order is late."""
    reminders = [reminder_due_at(one, settings) for one in told if stands and one.what != "resolved"]
    later = [moment for moment in reminders if moment > state.now]
    if about.reason == Reason.SALE_OVERDUE:
        late_next = next_late_at(about.shop, settings.paid_order_limit, state)
        later += [late_next] if late_next else []
    return min(later, default=None)
