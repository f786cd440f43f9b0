"""Dates as Balance writes them (Tbilisi time without a zone) and as we hold them (aware UTC)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from contracts.model import FINEST, LAST_MOMENT
from services.engine.clock import TBILISI

# Numbers as Balance writes them, and as it wants to be written to.
#
# Balance fact 10: answers have numbers, `"1234.5"` or `"1 234,5"` (any space); requests have text with a dot.

_SPACES = {0x20: None, 0xA0: None, 0x202F: None}
"""Thousands separators: space, no-break space, narrow no-break space."""
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)")


def parse_number(value: Any) -> Decimal | None:
    """The exact number in a value of an answer; None for null and empty text.

    Raises `ValueError` for anything else, also for `"1,234.5"`: with two separators it is not certain which one is the
    decimal separator, and a guess could be wrong by a factor of a thousand.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return _read_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("is not a number")
    return _finite(Decimal(str(value)))


def _read_text(text: str) -> Decimal | None:
    digits = text.strip().translate(_SPACES)
    if not digits:
        return None
    if not _NUMBER.fullmatch(digits):
        raise ValueError("is not a number")
    return _finite(Decimal(digits.replace(",", ".")))


def _finite(number: Decimal) -> Decimal:
    if not number.is_finite() or abs(number.adjusted()) > FINEST:
        raise ValueError("is not a number")
    return number


def format_number(number: Decimal | int) -> str:
    """A number as text with a dot, with its own scale and without an exponent: `12.50`, `0.0000001`."""
    return format(number, "f") if isinstance(number, Decimal) else str(number)


_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?", re.ASCII)
_EMPTY_YEAR = 1
"""Balance fact 11: an empty date is 0001-01-01."""


def parse_moment(value: Any) -> datetime | None:
    """The moment (UTC) in a value of an answer; None for null, empty text and the platform's empty date.

    Reads `2024-01-01T10:00:00`, `2024-01-01` and `01.01.2024[ 10:00[:00]]`; a day alone is its start in Tbilisi.
    Raises `ValueError` for anything else.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("is not a date")
    text = value.strip()
    local = _parsed(text) if text else None
    return None if local is None or local.year == _EMPTY_YEAR else _utc(local)


def format_moment(moment: datetime) -> str:
    """A moment as Balance's local date-time: `2026-07-01T14:03:00`. The moment must be aware."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.astimezone(TBILISI).replace(tzinfo=None, microsecond=0).isoformat()


def format_day(day: date) -> str:
    """A day as `YYYY-MM-DD`."""
    return day.isoformat()


def _parsed(text: str) -> datetime:
    dotted = _DOTTED.fullmatch(text)
    try:
        return _from_parts(dotted) if dotted else datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a date") from None


def _from_parts(dotted: re.Match[str]) -> datetime:
    day, month, year, hour, minute, second = (int(part or 0) for part in dotted.groups())
    return datetime(year, month, day, hour, minute, second, tzinfo=TBILISI)


def _utc(moment: datetime) -> datetime:
    """The moment in UTC; one at the end of the year 9999, which means "never", is the last that other zones have."""
    local = moment.replace(tzinfo=None)
    if local > LAST_MOMENT.replace(tzinfo=None):
        return LAST_MOMENT
    return (moment if moment.tzinfo else moment.replace(tzinfo=TBILISI)).astimezone(UTC)
