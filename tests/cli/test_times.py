"""Times that a person types or reads: one clock, Asia/Tbilisi, always with its zone."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from services.cli.screen import print_json
from services.cli.times import InvalidTime, parse_date, parse_time
from services.engine.clock import local_time

NOW = datetime(2026, 11, 20, 10, 3, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 19, 20, 0, tzinfo=UTC)
"""The first moment of 20 November in Tbilisi."""


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-20", MIDNIGHT),
        ("2026-11-20T00:00", MIDNIGHT),
        ("2026-11-20 00:00:00", MIDNIGHT),
        ("2026-11-20T00:00+04:00", MIDNIGHT),
        ("2026-11-19T20:00Z", MIDNIGHT),
        ("2026-11-19T20:00:00+00:00", MIDNIGHT),
        ("2h", datetime(2026, 11, 20, 8, 3, tzinfo=UTC)),
    ],
)
def test_a_time_without_an_offset_is_tbilisi_time(text: str, meant: datetime) -> None:
    assert parse_time(text, NOW) == meant


@pytest.mark.parametrize("text", ["", "yesterday", "20.11.2026", "2026-11-31", "2026-11-20T25:00", "2h ago", "10:03"])
def test_an_invalid_time_is_refused_with_the_formats(text: str) -> None:
    with pytest.raises(InvalidTime, match=r"^Invalid time '.*'. Write .*2026-11-20T10:03.*Tbilisi"):
        parse_time(text, NOW)


@pytest.mark.parametrize("text", ["", "yesterday", "20.11.2026", "2026-11-31", "2026-11-20T10:03"])
def test_an_invalid_date_is_refused_with_the_format(text: str) -> None:
    with pytest.raises(InvalidTime, match=r"^Invalid date '.*'. Write a day in Tbilisi"):
        parse_date(text)


def test_printed_times_are_in_tbilisi_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert local_time(MIDNIGHT) == "20 Nov 2026 00:00 +04"
    assert local_time(MIDNIGHT, seconds=True) == "20 Nov 2026 00:00:00 +04"
    print_json({"at": MIDNIGHT, "day": date(2026, 11, 20)})
    assert '"2026-11-20T00:00:00+04:00"' in capsys.readouterr().out
    assert parse_date("2026-11-20") == date(2026, 11, 20)
