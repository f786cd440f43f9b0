"""A large catalogue that has not changed: no event, hardly more time than to download and parse it, little memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks.board import Board
from tests.benchmarks.figure import Figure, Times, duration
from tests.benchmarks.processes import child, outcome
from tests.benchmarks.size import sized

ITEMS, ROUNDS, GOAL, PEAK_MB = sized(200_000, 5_000), sized(3, 1), 1.5, 200.0
EACH_MB = 250.0
"""What every service may need for so many items; the others are in `test_memory.py`."""


@pytest.mark.timeout(600)
def test_a_catalogue_that_has_not_changed(tmp_path: Path, board: Board) -> None:
    with child("stub_http", "catalogue", str(ITEMS)) as url:
        found = json.loads(outcome("feed_run", url, str(tmp_path), str(ROUNDS), seconds=550))
    assert (found["items"], found["changed"]) == (ITEMS + 1, 0), "all items, and their folder"
    # without an event nobody downstream has a reason to ask a shop for anything
    assert found["events"] == [ITEMS + 1, ITEMS + 1]
    times = Times(found["ours"], found["floor"])
    figures = [
        duration("catalogue_unchanged", "s", times, GOAL, f"{ITEMS:,} items, no event, no request to a shop"),
        _peak("catalogue_peak_mb", found["peak_mb"], PEAK_MB),
        _peak("peak_mb_200k_balance_feed", found["peak_mb"], EACH_MB),
    ]
    board.show_all(figures)


def _peak(name: str, found: float, goal: float) -> Figure:
    note = f"of the feed, the first import of {ITEMS:,} items included; the goal is for ours, in MB"
    return Figure(name, "MB", found, goal, found, (found, found), goal, "less", note)
