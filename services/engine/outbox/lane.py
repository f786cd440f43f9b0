"""A lane: one way to an upstream, with its own pace, batch size and effect."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from services.engine.outbox.breaker import Breaker
from services.engine.outbox.outcome import Outcome
from services.engine.outbox.row import Row

Deliver = Callable[[Sequence[Row]], Awaitable[Sequence[Outcome]]]


def deliver_each(one: Callable[[Row], Awaitable[Outcome]]) -> Deliver:
    """The effect of a lane whose rows are calls of their own, made side by side; a row alone needs no task for it."""

    async def deliver(rows: Sequence[Row]) -> Sequence[Outcome]:
        return [await one(rows[0])] if len(rows) == 1 else await asyncio.gather(*map(one, rows))

    return deliver


@dataclass(frozen=True, slots=True)
class Lane:
    """`deliver` takes up to `batch` rows of different keys and gives one outcome each, in order."""

    name: str
    deliver: Deliver
    breaker: Breaker
    batch: int = 1
    concurrency: int = 4
