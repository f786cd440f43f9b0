"""Webhooks acknowledged once they are durable, against the least code that does the same."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from statistics import median

import pytest

from tests.benchmarks.board import Board
from tests.benchmarks.figure import Figure, throughput
from tests.benchmarks.processes import child, outcome
from tests.benchmarks.rounds import by_turns
from tests.benchmarks.size import sized

COUNT, CONNECTIONS, ROUNDS, GOAL = sized(1000, 100), 32, sized(5, 1), 0.7
STEADY, STEADY_COUNT, STEADY_P99_MS = 200, sized(600, 100), 250.0
"""A steady load, in deliveries per second, and the goal for the slowest of a hundred answers."""


def load(port: str, count: int, rate: float = 0.0) -> dict[str, float]:
    """What came of a load from another process; every delivery was stored."""
    found: dict[str, float] = json.loads(
        outcome("webhook_load", port, str(count), str(CONNECTIONS), str(rate), seconds=60)
    )
    assert found["stored"] == count
    return found


@pytest.mark.timeout(300)
async def test_webhooks_are_acknowledged(tmp_path: Path, board: Board) -> None:
    with (
        child("webhook_server", "ours", str(tmp_path / "ours")) as ours,
        child("webhook_server", "floor", str(tmp_path / "floor")) as floor,
    ):
        waits: dict[str, list[float]] = {ours: [], floor: []}

        async def loaded(port: str) -> float:
            found = await asyncio.to_thread(load, port, COUNT)
            waits[port].append(found["p99_ms"])
            return found["seconds"]

        times = await by_turns(lambda _: loaded(ours), lambda _: loaded(floor), ROUNDS)
        steady = await asyncio.to_thread(load, ours, STEADY_COUNT, STEADY)
        bare = await asyncio.to_thread(load, floor, STEADY_COUNT, STEADY)
    note = f"p99 at full load {median(waits[ours]):.0f} ms, floor {median(waits[floor]):.0f} ms"
    at_full_load = throughput("webhook_ack", "webhooks/s", COUNT, times, GOAL, note)
    board.show_all([at_full_load, _steady(steady["p99_ms"], bare["p99_ms"])])


def _steady(ours: float, floor: float) -> Figure:
    note = f"{STEADY}/s over {CONNECTIONS} connections; the goal is for ours, in ms"
    return Figure("webhook_p99_ms", "ms", ours, floor, ours, (ours, ours), STEADY_P99_MS, "less", note)
