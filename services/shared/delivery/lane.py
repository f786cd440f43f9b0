"""A lane: one way to an upstream, with its own pace, batch size and effect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from services.shared.delivery.breaker import Breaker
from services.shared.delivery.outcome import Outcome
from services.shared.delivery.row import Row

Deliver = Callable[[Sequence[Row]], Awaitable[Sequence[Outcome]]]


@dataclass(frozen=True, slots=True)
class Lane:
    """`deliver` takes up to `batch` rows of different keys and gives one outcome each, in order."""

    name: str
    deliver: Deliver
    breaker: Breaker
    batch: int = 1
    concurrency: int = 4
