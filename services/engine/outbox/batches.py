"""Batch calls: of a size that the upstream accepts, and with an outcome for each item."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from services.engine.outbox.outcome import Outcome, Retry
from services.engine.outbox.upstream_errors import Rejected, UnknownOutcome, UpstreamError, outcome_of

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")
Call = Callable[[Sequence[ItemT]], Awaitable[Sequence[ResultT]]]
TOO_LARGE = (413, 414)


class Batches:
    """Sends records in calls of at most `most`, and of fewer for a while after a call was too large (claim K15).

    A call was too large if the web server refused it for its size (413, 414) or did not answer. The size is halved
    then, and grows by one with each full call that is answered.
    """

    def __init__(self, most: int) -> None:
        self.most = self.size = most

    async def send(self, call: Call[ItemT, ResultT], items: Sequence[ItemT]) -> list[ResultT | Outcome]:
        """One result per item, in order; where the upstream failed, the outcome of that failure.

        Once the upstream is unavailable, the remaining items are not sent.
        """
        results: list[ResultT | Outcome] = []
        while len(results) < len(items):
            chunk = items[len(results) : len(results) + self.size]
            results += await call_isolated(_Measured(self, call), chunk)
            if isinstance(results[-1], Retry):
                results += [results[-1]] * (len(items) - len(results))
        return results

    def record_success(self, count: int) -> None:
        """Record that a call of `count` records was answered."""
        if count >= self.size:
            self.size = min(self.most, self.size + 1)

    def record_too_large(self, count: int) -> None:
        """Record that a call of `count` records was refused for its size, or not answered."""
        self.size = max(1, min(self.size, count // 2))


class _Measured(Generic[ItemT, ResultT]):
    """A call that reports to `Batches` whether it was too large."""

    def __init__(self, batches: Batches, call: Call[ItemT, ResultT]) -> None:
        self._batches, self._call = batches, call

    async def __call__(self, items: Sequence[ItemT]) -> Sequence[ResultT]:
        try:
            answered = await self._call(items)
        except UnknownOutcome:
            self._batches.record_too_large(len(items))
            raise
        except Rejected as error:
            if error.status in TOO_LARGE:
                self._batches.record_too_large(len(items))
            raise
        self._batches.record_success(len(items))
        return answered


async def call_isolated(
    call: Callable[[Sequence[ItemT]], Awaitable[Sequence[ResultT]]], items: Sequence[ItemT]
) -> list[ResultT | Outcome]:
    """One result per item, in order; where the upstream failed, the outcome of that failure.

    A batch that is rejected as a whole (nothing was done) is halved until the item at fault is alone: one bad record
    must not stop the others (claim K13). Every other failure applies to all items.
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
    return [*await call_isolated(call, items[:half]), *await call_isolated(call, items[half:])]
