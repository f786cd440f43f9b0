"""When a message leaves: after more of its cause was gathered, not too soon after the last one, not in quiet hours."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from contracts.alerts import AlertSent
from services.engine.runtime.tbilisi import TBILISI
from services.settings.alerts import AlertSettings


def opening(since: datetime, told: AlertSent | None, settings: AlertSettings) -> datetime:
    """When a recipient is told that a cause stands; `told` is the end of its last episode, if there was one."""
    gathered = since + timedelta(seconds=settings.gather)
    return gathered if told is None else max(gathered, told.sent_at + timedelta(seconds=settings.quiet))


def resolution(cleared: datetime, settings: AlertSettings) -> datetime:
    """When a recipient is told that a cause is gone: once it has stayed so."""
    return cleared + timedelta(seconds=settings.calm)


def reminder(told: AlertSent, settings: AlertSettings) -> datetime:
    """When a recipient is reminded: each time after twice as long."""
    gap = min(settings.remind * 2.0 ** min(told.reminders, 20), settings.remind_at_most)
    return told.sent_at + timedelta(seconds=gap)


def awake(moment: datetime, quiet_hours: str | None) -> datetime:
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
