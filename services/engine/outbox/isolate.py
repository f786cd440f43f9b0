"""Batch calls whose items stand and fall alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from services.engine.outbox.failure import outcome_of
from services.engine.outbox.outcome import Outcome
from services.engine.outbox.upstream_errors import Rejected, UpstreamError

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


async def isolated(
    call: Callable[[Sequence[ItemT]], Awaitable[Sequence[ResultT]]], items: Sequence[ItemT]
) -> list[ResultT | Outcome]:
    """One result per item, in order; where the upstream failed, the outcome that follows from that.

    A batch that is rejected as a whole (nothing was done) is halved until the item at fault stands alone: one bad
    record must not stop its neighbours (claim K13). Every other failure concerns all items alike.
    """
    if not items:
        return []
    try:
        return list(await call(items))
    except Rejected as error:
        if len(items) == 1:
            return [outcome_of(error)]
    except UpstreamError as error:
        return [outcome_of(error)] * len(items)
    half = len(items) // 2
    return [*await isolated(call, items[:half]), *await isolated(call, items[half:])]
