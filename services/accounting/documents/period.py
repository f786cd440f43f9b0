"""Days of closed periods."""

from __future__ import annotations

from datetime import date, timedelta


def is_closed(day: str, locked_until: date | None) -> bool:
    """Whether a day (`YYYY-MM-DD`) is the last closed one, or before it."""
    return locked_until is not None and date.fromisoformat(day) <= locked_until


def open_day(day: str, locked_until: date | None) -> str:
    """The day, or the first open one where it is closed: a correction changes no closed period."""
    if locked_until is None or not is_closed(day, locked_until):
        return day
    return (locked_until + timedelta(days=1)).isoformat()
