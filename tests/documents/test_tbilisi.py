"""The books' day is Tbilisi's."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from services.shared.tbilisi import local_date, local_day


@pytest.mark.parametrize(
    ("hour", "minute", "day"), [(0, 0, 21), (19, 59, 21), (20, 0, 22), (23, 59, 22)], ids=lambda value: str(value)
)
def test_a_day_of_the_books_begins_at_twenty_hours_utc(hour: int, minute: int, day: int) -> None:
    moment = datetime(2026, 11, 21, hour, minute, tzinfo=UTC)
    assert (local_day(moment), local_date(moment)) == (date(2026, 11, day), f"2026-11-{day}")
