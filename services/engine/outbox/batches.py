"""Batch calls of a size that the upstream bears: smaller after trouble, larger again as long as all goes well."""

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
    """Sends records in calls of at most `most`, and of fewer for a while after a call was too much (claim K15).

    Too much is what a web server refuses for its size (413, 414), and what was sent and not answered. The size halves
    then, and grows by one with each full call that is answered.
    """

    def __init__(self, most: int) -> None:
        self.most = self.size = most

    async def send(self, call: Call[ItemT, ResultT], items: Sequence[ItemT]) -> list[ResultT | Outcome]:
        """One result per item, in order; where the upstream failed, the outcome that follows from that.

        Once it is unavailable, what is left is not sent.
        """
        results: list[ResultT | Outcome] = []
        while len(results) < len(items):
            chunk = items[len(results) : len(results) + self.size]
            results += await call_isolated(_Measured(self, call), chunk)
            if isinstance(results[-1], Retry):
                results += [results[-1]] * (len(items) - len(results))
        return results

    def record_success(self, count: int) -> None:
        """A call of so many records was answered."""
        if count >= self.size:
            self.size = min(self.most, self.size + 1)

    def record_too_large(self, count: int) -> None:
        """A call of so many records was refused for its size, or not answered."""
        self.size = max(1, min(self.size, count // 2))


class _Measured(Generic[ItemT, ResultT]):
    """A call that tells whether it was too large."""

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


# Batch calls whose items stand and fall alone.


async def call_isolated(
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
    return [*await call_isolated(call, items[:half]), *await call_isolated(call, items[half:])]
