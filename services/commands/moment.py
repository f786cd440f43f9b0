"""A moment as a person gives it on the command line: `2h` ago, or a date, or a date with a time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_AGO = re.compile(r"(\d{1,5})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class NoMoment(ValueError):
    """What was given is no moment; the message shows how to write one."""


def moment(text: str, now: datetime) -> datetime:
    """The moment in UTC, never before Kafka's first. A date or time without a zone is UTC. Raises `NoMoment`."""
    if ago := _AGO.fullmatch(text):
        return max(_EARLIEST, now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}))
    try:
        given = datetime.fromisoformat(text)
        return max(_EARLIEST, (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC))
    except (ValueError, OverflowError):
        raise NoMoment(f"{text!r} is no moment; write 90s, 15m, 2h, 7d (ago), 2026-11-20, 2026-11-20T10:03") from None
