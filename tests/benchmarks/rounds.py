"""Measuring by turns: ours, floor, ours, floor …, so that whatever disturbs the machine disturbs both."""

from __future__ import annotations

import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.benchmarks.figure import Times

Run = Callable[[int], Awaitable[float]]
"""Runs one round by its number and returns its seconds, without its preparation."""


async def by_turns(ours: Run, floor: Run, rounds: int, warm_up: int = 1) -> Times:
    """The times of so many rounds; those of the warm-up are thrown away."""
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(-warm_up, rounds):
        for run, times in zip((ours, floor), taken, strict=True):
            gc.collect()
            seconds = await run(number + warm_up)
            if number >= 0:
                times.append(seconds)
    return Times(*taken)


class Stopwatch:
    """`seconds` once its block has ended."""

    seconds = 0.0


@asynccontextmanager
async def stopwatch() -> AsyncIterator[Stopwatch]:
    """Times a block."""
    watch, begun = Stopwatch(), time.perf_counter()
    yield watch
    watch.seconds = time.perf_counter() - begun
