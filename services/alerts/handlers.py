"""What the alerts service does about a cause: one message when it begins to stand, reminders, one when it is gone."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from contracts.alerts import AlertSent
from contracts.reasons import Reason
from services.alerts import moments
from services.alerts.cause import CLEARED, STANDING, Cause, Standing, cause
from services.alerts.late_orders import late, next_late
from services.alerts.message import opened, resolved
from services.alerts.notice import Notice, What
from services.alerts.projection import TOLD, remember
from services.alerts.routing import recipients
from services.engine.outbox.decision import Decision, Delivery
from services.engine.outbox.handlers import Handlers
from services.engine.state.records import State
from services.settings.alerts import AlertSettings, RecipientSettings
from services.settings.model import Settings

SERVICE = "alerts"
TOPICS = ("dead-letters", "operations", "shop.orders", "ledger.documents")


def lane(recipient: str) -> str:
    """Each recipient has a lane of its own: one that cannot be reached holds up no other."""
    return f"alerts:{recipient}"


def handlers(settings: Settings, alerts: AlertSettings) -> Handlers:
    """The rules of the service under these settings. A subject is the name of a cause."""
    return Handlers(topics=TOPICS, remember=remember(settings), decide=partial(decide, alerts))


def decide(settings: AlertSettings, subject: str, state: State) -> Decision:
    """The messages about a cause that are wanted now."""
    about = cause(subject)
    standing = _standing(settings, about, state)
    known = recipients(about, settings.recipients)
    told = {name: _told(settings, about, name, state) for name in known}
    wanted = [_wanted(settings, about, standing, name, known[name], told[name], state) for name in known]
    return Decision(
        deliveries=tuple(delivery for delivery in wanted if delivery is not None),
        again_at=_again_at(settings, about, bool(standing), [one for one in told.values() if one], state),
    )


def _standing(settings: AlertSettings, about: Cause, state: State) -> list[Standing]:
    if about.reason == Reason.SALE_OVERDUE:
        return list(late(about.shop, settings.paid_order_limit, state))
    return list(state.find(STANDING, about.name).values())


def _told(settings: AlertSettings, about: Cause, recipient: str, state: State) -> AlertSent | None:
    """The last message of this cause to a recipient; what a dry run recorded was never sent."""
    told = state.get(TOLD, f"{about.name}|{recipient}")
    return None if told is not None and told.dry_run and not settings.dry_run else told


def _wanted(
    settings: AlertSettings,
    about: Cause,
    standing: list[Standing],
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
        return _delivery(notice, moments.opening(since, told, settings), recipient)
    if told is None or not is_open:
        return None
    if not standing:
        cleared = state.get(CLEARED, about.name)
        message = resolved(about, told, recipient.language)
        notice = Notice.of(told, "resolved", message)
        return _delivery(notice, moments.resolution(cleared.at if cleared else told.sent_at, settings), recipient)
    due = moments.reminder(told, settings)
    if due > state.now:
        return None
    notice = _notice("reminded", about, standing, name, recipient, told.episode, told.reminders + 1)
    return _delivery(notice, due, recipient)


def _notice(
    what: What,
    about: Cause,
    standing: list[Standing],
    name: str,
    recipient: RecipientSettings,
    episode: int,
    reminders: int = 0,
) -> Notice:
    message = opened(about, standing, "reminded" if what == "reminded" else "opened", recipient.language)
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
        lane=lane(notice.recipient),
        key=notice.cause,
        payload=notice.model_dump(mode="json"),
        not_before=moments.awake(moment, recipient.quiet_hours),
    )


def _again_at(
    settings: AlertSettings, about: Cause, stands: bool, told: list[AlertSent], state: State
) -> datetime | None:
    """When time alone changes what is wanted: a reminder is due, or one more order is late."""
    reminders = [moments.reminder(one, settings) for one in told if stands and one.what != "resolved"]
    later = [moment for moment in reminders if moment > state.now]
    if about.reason == Reason.SALE_OVERDUE:
        late_next = next_late(about.shop, settings.paid_order_limit, state)
        later += [late_next] if late_next else []
    return min(later, default=None)
