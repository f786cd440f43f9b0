"""Which messages a cause needs: one when its first issue opens, reminders, and one when all are resolved.

A message leaves once issues were gathered for a while, not too soon after the last message, and not in quiet hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from typing import Literal

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

SERVICE = "alerts"
LONGEST_CALM = 3600.0
"""Seconds that a cause which came back often must be gone until that is reported."""
TOPICS = ("dead-letters", "operations", "shop.orders", "ledger.documents")


def alert_lane_name(recipient: str) -> str:
    """Return the lane of a recipient: an unreachable recipient delays no other."""
    return f"alerts:{recipient}"


def handlers(settings: Settings, alerts: AlertSettings) -> Handlers:
    """Return the rules of the service. A subject is the name of a cause."""
    return Handlers(topics=TOPICS, remember=projection_rules(settings), decide=partial(decide_alerts, alerts))


@dataclass(frozen=True, slots=True)
class Episode:
    """Which time a cause is open, how many reminders were sent, and how often in a row it came back soon."""

    number: int
    reminders: int = 0
    returns: int = 0


def _following(last: AlertSent | None, since: datetime, settings: AlertSettings) -> Episode:
    """The next episode of a cause that is open since a moment; `last` is the end of the one before."""
    if last is None:
        return Episode(1)
    soon = since - last.sent_at < timedelta(seconds=settings.remind)
    return Episode(last.episode + 1, returns=last.returns + 1 if soon else 0)


def decide_alerts(settings: AlertSettings, subject: str, state: State) -> Decision:
    """Return the messages that a cause needs now."""
    cause = parse_cause(subject)
    issues = _open_issues(settings, cause, state)
    recipients = select_recipients(cause, settings.recipients)
    last = {name: _last_alert(settings, cause, name, state) for name in recipients}
    needed = [_next_message(settings, cause, issues, name, recipients[name], last[name], state) for name in recipients]
    return Decision(
        deliveries=tuple(delivery for delivery in needed if delivery is not None),
        again_at=_again_at(settings, cause, bool(issues), [alert for alert in last.values() if alert], state),
    )


def _open_issues(settings: AlertSettings, cause: AlertCause, state: State) -> list[AlertIssue]:
    if cause.reason == Reason.SALE_OVERDUE:
        return list(find_late_orders(cause.shop, settings.paid_order_limit, state))
    return list(state.find(ISSUE, cause.name).values())


def _last_alert(settings: AlertSettings, cause: AlertCause, recipient: str, state: State) -> AlertSent | None:
    """The last message of this cause to a recipient; what a dry run recorded was never sent."""
    last = state.get(LAST_ALERT, f"{cause.name}|{recipient}")
    return None if last is not None and last.dry_run and not settings.dry_run else last


def _next_message(
    settings: AlertSettings,
    cause: AlertCause,
    issues: Sequence[AlertIssue],
    name: str,
    recipient: RecipientSettings,
    last: AlertSent | None,
    state: State,
) -> Delivery | None:
    """The next message to a recipient; None while it is too early to decide."""
    is_open = last is not None and last.what != "resolved"
    if issues and not is_open:
        since = min(issue.since for issue in issues)
        notice = _open_notice("opened", cause, issues, name, recipient, _following(last, since, settings))
        return _delivery(notice, opening_due_at(since, last, settings), recipient)
    if last is None or not is_open:
        return None
    if not issues:
        cleared = state.get(CLEARED, cause.name)
        notice = Notice.following(last, "resolved", compose_resolved(cause, last, recipient.language))
        return _delivery(notice, resolution_due_at(cleared.at if cleared else last.sent_at, last, settings), recipient)
    due_at = reminder_due_at(last, settings)
    if due_at > state.now:
        return None
    episode = Episode(last.episode, last.reminders + 1, last.returns)
    notice = _open_notice("reminded", cause, issues, name, recipient, episode)
    return _delivery(notice, due_at, recipient)


def _open_notice(
    what: NoticeKind,
    cause: AlertCause,
    issues: Sequence[AlertIssue],
    name: str,
    recipient: RecipientSettings,
    episode: Episode,
) -> Notice:
    kind: Literal["opened", "reminded"] = "reminded" if what == "reminded" else "opened"
    message = compose_open(cause, issues, kind, recipient.language, episode.returns)
    return Notice(
        cause=cause.name,
        recipient=name,
        what=what,
        episode=episode.number,
        reminders=episode.reminders,
        returns=episode.returns,
        standing=len(issues),
        opened_at=min(issue.since for issue in issues),
        title=message.title,
        body=message.body,
    )


def _delivery(notice: Notice, due_at: datetime, recipient: RecipientSettings) -> Delivery:
    return Delivery(
        id=notice.id,
        kind="alert",
        lane=alert_lane_name(notice.recipient),
        key=notice.cause,
        payload=notice.model_dump(mode="json"),
        not_before=after_quiet_hours(due_at, recipient.quiet_hours),
    )


def _again_at(
    settings: AlertSettings, cause: AlertCause, is_open: bool, last: Sequence[AlertSent], state: State
) -> datetime | None:
    """When time alone changes the decision: a reminder is due, or another order is late."""
    reminders = [reminder_due_at(alert, settings) for alert in last if is_open and alert.what != "resolved"]
    times = [due_at for due_at in reminders if due_at > state.now]
    if cause.reason == Reason.SALE_OVERDUE:
        next_late = next_late_at(cause.shop, settings.paid_order_limit, state)
        times += [next_late] if next_late else []
    return min(times, default=None)


def opening_due_at(since: datetime, last: AlertSent | None, settings: AlertSettings) -> datetime:
    """Return when a recipient learns of open issues; `last` is the end of the previous episode, if there was one."""
    gathered = since + timedelta(seconds=settings.gather)
    return gathered if last is None else max(gathered, last.sent_at + timedelta(seconds=settings.quiet))


def resolution_due_at(cleared: datetime, last: AlertSent, settings: AlertSettings) -> datetime:
    """Return when a recipient learns that a cause is resolved: once it has remained so.

    The time doubles each time that it comes back, so that a cause that flaps stays one open cause.
    """
    longest = max(settings.calm, LONGEST_CALM)
    return cleared + timedelta(seconds=min(settings.calm * 2.0 ** min(last.returns, 20), longest))


def reminder_due_at(last: AlertSent, settings: AlertSettings) -> datetime:
    """Return when a recipient is reminded: each reminder waits twice as long as the one before."""
    gap = min(settings.remind * 2.0 ** min(last.reminders, 20), settings.remind_at_most)
    return last.sent_at + timedelta(seconds=gap)


def after_quiet_hours(moment: datetime, quiet_hours: str | None) -> datetime:
    """Return the time, or the end of the quiet hours that contain it (`22:00-08:00`, Tbilisi)."""
    if quiet_hours is None:
        return moment
    begin, end = (time.fromisoformat(part.strip()) for part in quiet_hours.split("-"))
    local = moment.astimezone(TBILISI)
    clock = local.timetz().replace(tzinfo=None)
    if not (begin <= clock < end if begin < end else clock >= begin or clock < end):
        return moment
    day = local.date() + timedelta(days=1) if clock >= end else local.date()
    return datetime.combine(day, end, TBILISI).astimezone(moment.tzinfo)
