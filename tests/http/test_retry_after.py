"""Retry-After of an upstream is respected in every form, within limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.engine.backoff import LONGEST_WAIT, parse_retry_after

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("Mon, 02 Mar 2026 12:02:00 GMT", 120.0),
        ("Mon, 02 Mar 2026 16:02:00 +0400", 120.0),
        ("Mon, 02 Mar 2026 11:00:00 GMT", 0.0),
        ("Fri, 31 Dec 2999 23:59:59 GMT", 3600.0),
        ("99999999999999999999", 3600.0),
        ("9" * 400, 3600.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("NaN", None),
        ("inf", None),
        ("١٢", None),
        ("Mon, 99 Mar 2026 12:02:00 GMT", None),
    ],
)
def test_every_form_of_the_header_is_understood(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header, NOON, 3600.0) == seconds


@pytest.mark.claim("K16")
@pytest.mark.parametrize("header", ["600", "86400", "Mon, 02 Mar 2026 12:10:00 GMT"])
def test_retry_after_never_delays_the_next_check_beyond_a_minute(header: str) -> None:
    assert parse_retry_after(header, NOON) == LONGEST_WAIT < 60


@given(st.text(max_size=60))
def test_any_header_gives_a_wait_within_the_limits(header: str) -> None:
    wish = parse_retry_after(header, NOON, longest=90.0)
    assert wish is None or 0.0 <= wish <= 90.0


@given(st.integers(0, 10**6), st.sampled_from([30.0, 3600.0]))
def test_seconds_and_the_same_time_as_a_date_are_equal(seconds: int, longest: float) -> None:
    date = format_datetime(NOON + timedelta(seconds=seconds), usegmt=True)
    expected = min(seconds, longest)
    assert parse_retry_after(str(seconds), NOON, longest) == parse_retry_after(date, NOON, longest) == expected
