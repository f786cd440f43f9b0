"""Figures and dates: every form that Balance uses is read exactly, anything doubtful is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.connectors.balance.values import format_day, format_moment, format_number, parse_moment, parse_number

SPACES = ["", " ", "\u00a0", "\u202f"]
FIGURES = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**11), max_value=10**11, places=4)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1 234,5", "1234.5"),
        ("1\u00a0234\u00a0567,05", "1234567.05"),
        ("-1\u202f234,5", "-1234.5"),
        ("120", "120"),
        ("0.09", "0.09"),
        (",5", "0.5"),
        ("5,", "5"),
        ("  12.50 ", "12.50"),
        ("+3", "3"),
        (7, "7"),
        (Decimal("2.375"), "2.375"),
        (0.1, "0.1"),
    ],
)
def test_every_form_of_a_number_is_read(written: Any, meant: str) -> None:
    assert parse_number(written) == Decimal(meant)


@pytest.mark.parametrize("written", [None, "", "  ", "\u00a0"])
def test_an_empty_number_is_none(written: Any) -> None:
    assert parse_number(written) is None


@pytest.mark.parametrize(
    "written", ["1,234.5", "1.234,5", "1,234,567", "12x", "x", "--1", "1e3", "NaN", "٣", ".", True, [], Decimal("NaN")]
)
def test_a_doubtful_number_is_refused(written: Any) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        parse_number(written)


@given(FIGURES, st.sampled_from(SPACES), st.sampled_from(".,"))
def test_a_number_in_any_dialect_is_read_digit_by_digit(figure: Decimal, space: str, mark: str) -> None:
    written = f"{figure:,f}".replace(",", "T").replace(".", mark).replace("T", space)
    assert parse_number(written) == figure


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_written_number_keeps_its_scale_and_has_no_exponent(figure: Decimal) -> None:
    written = format_number(figure)
    assert "E" not in written.upper()
    assert Decimal(written) == figure
    assert Decimal(written).as_tuple().exponent == min(0, int(figure.as_tuple().exponent))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024-01-01T10:00:00", datetime(2024, 1, 1, 6, tzinfo=UTC)),
        ("2023-12-31", datetime(2023, 12, 30, 20, tzinfo=UTC)),
        ("31.12.2024", datetime(2024, 12, 30, 20, tzinfo=UTC)),
        ("1.2.2024 9:05", datetime(2024, 2, 1, 5, 5, tzinfo=UTC)),
        ("01.02.2024 09:05:07", datetime(2024, 2, 1, 5, 5, 7, tzinfo=UTC)),
        ("2024-01-01T10:00:00Z", datetime(2024, 1, 1, 10, tzinfo=UTC)),
        ("", None),
        (None, None),
        ("0001-01-01T00:00:00", None),
        ("01.01.0001 0:00:00", None),
    ],
)
def test_every_form_of_a_date_is_read_as_tbilisi_time(written: Any, meant: datetime | None) -> None:
    assert parse_moment(written) == meant


@pytest.mark.parametrize("written", ["31.02.2024", "2024-13-01", "tomorrow", 20240101, "1/2/2024"])
def test_what_is_no_date_is_refused(written: Any) -> None:
    with pytest.raises(ValueError, match="is not a date"):
        parse_moment(written)


def test_a_moment_is_written_as_tbilisi_time_without_zone() -> None:
    midnight_ahead = datetime(2026, 6, 30, 21, 30, 5, 999, tzinfo=timezone(timedelta(hours=0)))
    assert format_moment(midnight_ahead) == "2026-07-01T01:30:05"
    assert format_day(date(2026, 7, 1)) == "2026-07-01"


def test_a_moment_without_zone_is_not_written() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        format_moment(datetime(2026, 7, 1))  # noqa: DTZ001 - what is refused


@given(st.datetimes(min_value=datetime(2006, 1, 1), max_value=datetime(2090, 1, 1)))  # noqa: DTZ001
def test_what_was_written_is_read_back(moment: datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    assert parse_moment(format_moment(moment)) == moment
