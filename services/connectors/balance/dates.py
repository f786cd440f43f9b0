"""Dates as Balance writes them (Tbilisi time without a zone) and as we hold them (aware UTC)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from services.engine.clock import TBILISI

_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?", re.ASCII)
_EMPTY_YEAR = 1
"""API fact of the platform: an empty date is 0001-01-01."""


def read_moment(value: Any) -> datetime | None:
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


def write_moment(moment: datetime) -> str:
    """A moment as Balance's local date-time: `2026-07-01T14:03:00`. The moment must be aware."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.astimezone(TBILISI).replace(tzinfo=None, microsecond=0).isoformat()


def write_day(day: date) -> str:
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
    return (moment if moment.tzinfo else moment.replace(tzinfo=TBILISI)).astimezone(UTC)
