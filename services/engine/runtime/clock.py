"""The clock of production: whoever needs the time is given one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives now, aware, in UTC."""


def utc_now() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)
