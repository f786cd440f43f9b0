"""Times and dates on the command line; without an offset they are Tbilisi time."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from services.engine.clock import TBILISI

_AGE = re.compile(r"(\d{1,5})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""The earliest time that Kafka stores."""
TIME_FORMATS = "2h for 2 hours ago (90s, 15m, 7d), 2026-11-20, or 2026-11-20T10:03, in Tbilisi time without an offset"
"""For the help of options that take a time."""


class InvalidTime(ValueError):
    """A text that is not a time or date; the message shows the accepted formats."""


def parse_time(text: str, now: datetime) -> datetime:
    """Parse an age (`2h`), a date, or a date with a time. Returns UTC, not before 1970.

    A time without an offset is Tbilisi time. Raises `InvalidTime`.
    """
    if age := _AGE.fullmatch(text):
        return max(_EARLIEST, now - timedelta(**{_UNITS[age[2]]: int(age[1])}))
    try:
        given = datetime.fromisoformat(text)
        return max(_EARLIEST, (given if given.tzinfo else given.replace(tzinfo=TBILISI)).astimezone(UTC))
    except (ValueError, OverflowError):
        raise InvalidTime(f"Invalid time {text!r}. Write {TIME_FORMATS}.") from None


def parse_date(text: str) -> date:
    """Parse a date, a day in Tbilisi. Raises `InvalidTime`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidTime(f"Invalid date {text!r}. Write a day in Tbilisi, such as 2026-11-20.") from None
