"""Times and dates as a person writes them on the command line; without an offset they are Tbilisi time."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from services.engine.clock import TBILISI

_AGE = re.compile(r"(\d{1,5})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""Kafka keeps no earlier time."""
TIME_FORMATS = (
    "2h ago as 2h (90s, 15m, 7d), 2026-11-20, or 2026-11-20T10:03: Tbilisi time, unless an offset as +00:00 is given"
)
"""For the help of options that take a time."""


class InvalidTime(ValueError):
    """A text that is no time or date; the message shows how to write one."""


def parse_time(text: str, now: datetime) -> datetime:
    """The time in a text, in UTC and not before 1970: an age (`2h`), a date, or a date with a time.

    A time without an offset is Tbilisi time. Raises `InvalidTime`.
    """
    if age := _AGE.fullmatch(text):
        return max(_EARLIEST, now - timedelta(**{_UNITS[age[2]]: int(age[1])}))
    try:
        given = datetime.fromisoformat(text)
        return max(_EARLIEST, (given if given.tzinfo else given.replace(tzinfo=TBILISI)).astimezone(UTC))
    except (ValueError, OverflowError):
        raise InvalidTime(f"Invalid time {text!r}: write {TIME_FORMATS}.") from None


def parse_date(text: str) -> date:
    """The date in a text, a day in Tbilisi. Raises `InvalidTime`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidTime(f"Invalid date {text!r}: write 2026-11-20, a day in Tbilisi.") from None
