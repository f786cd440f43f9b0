"""When messages are sent."""

from __future__ import annotations

from datetime import datetime

import pytest

from services.alerts.handlers import after_quiet_hours
from services.engine.clock import TBILISI


def at(text: str) -> datetime:
    """A time in Tbilisi in November 2026."""
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=TBILISI)


@pytest.mark.parametrize(
    ("hours", "time", "sent_at"),
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
def test_a_message_in_quiet_hours_is_sent_at_their_end(hours: str | None, time: str, sent_at: str) -> None:
    assert after_quiet_hours(at(time), hours) == at(sent_at)
