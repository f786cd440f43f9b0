"""The books' day is Tbilisi's."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from services.engine.clock import local_date, local_day


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 11, 21, 0, 0, tzinfo=UTC), date(2026, 11, 21)),
        (datetime(2026, 11, 21, 23, 59, tzinfo=UTC), date(2026, 11, 22)),
        (datetime(2026, 12, 31, 19, 59, 59, tzinfo=UTC), date(2026, 12, 31)),
        (datetime(2026, 12, 31, 20, 0, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
def test_a_day_of_the_books_begins_at_twenty_hours_utc(moment: datetime, day: date) -> None:
    assert (local_day(moment), local_date(moment)) == (day, day.isoformat())
