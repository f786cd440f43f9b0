"""When messages leave."""

from __future__ import annotations

from datetime import datetime

import pytest

from services.alerts.handlers import after_quiet_hours
from services.engine.clock import TBILISI


def at(text: str) -> datetime:
    """A moment by the clocks of Tbilisi in November 2026."""
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=TBILISI)


@pytest.mark.parametrize(
    ("hours", "moment", "leaves"),
    [
        (None, "20T23:30", "20T23:30"),
        ("22:00-08:00", "20T21:59", "20T21:59"),
        ("22:00-08:00", "20T22:00", "21T08:00"),
        ("22:00-08:00", "21T03:00", "21T08:00"),
        ("22:00-08:00", "21T08:00", "21T08:00"),
        ("13:00-14:00", "20T13:30", "20T14:00"),
        ("13:00-14:00", "20T14:00", "20T14:00"),
        ("13:00-14:00", "20T12:59", "20T12:59"),
    ],
)
def test_what_falls_into_quiet_hours_leaves_at_their_end(hours: str | None, moment: str, leaves: str) -> None:
    assert after_quiet_hours(at(moment), hours) == at(leaves)
