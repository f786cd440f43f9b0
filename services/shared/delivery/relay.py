"""The relay of one lane: due rows leave in batches, at the lane's pace, while the breaker of its upstream is closed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from services.shared.delivery.lane import Lane
from services.shared.delivery.outcome import Outcome, Retry, Unknown
from services.shared.delivery.row import Row
from services.shared.delivery.settle import Pair

log = logging.getLogger(__name__)
Claim = Callable[[str, int, set[str]], Awaitable[list[Row]]]
Settle = Callable[[Sequence[Pair]], Awaitable[None]]
WaitDue = Callable[[str, set[str]], Awaitable[float]]
IDLE = 5.0
"""Seconds an idle relay sleeps at most before it looks again; it is woken when rows are added."""
AHEAD = 25
"""So many rows are claimed at once where one call takes fewer; they are claimed anew when anything has changed."""
UNSETTLED = 500
"""So many outcomes may wait to become durable while the next rows leave already."""


class Relay:
    """Delivers the rows of a lane until it is stopped.

    `claim(lane, limit, skip)` gives due rows, at most one of each key; `settle` makes outcomes durable. A row stands in
    `leaving` from its call until its outcome is durable. Rows that were claimed ahead do not: they may be taken back.
    """

    def __init__(self, lane: Lane, claim: Claim, settle: Settle, wait_due: WaitDue) -> None:
        self.lane = lane
        self.leaving: dict[str, Row] = {}
        self._claim, self._settle, self._wait_due = claim, settle, wait_due
        self._wake = asyncio.Event()
        self._buffer: list[Row] = []
        self._changed = False
        self._calls: set[asyncio.Task[None]] = set()
        self._under_way = 0

    def wake(self) -> None:
        """The database has changed: something may be due now, or not wanted any more."""
        self._changed = True
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled; calls that are under way are finished and settled first."""
        try:
            while True:
                await self._step()
        finally:
            await self._finish()

    async def _step(self) -> None:
        self._wake.clear()
        if pause := self.lane.breaker.pause(time.monotonic()):
            self._buffer = []
            await self._wait_for(pause)
        elif self._full or not await self._fill():
            await self._rest()
        elif self.lane.breaker.admit(time.monotonic()):
            self._send()

    @property
    def _full(self) -> bool:
        return self._under_way >= self.lane.concurrency or len(self.leaving) >= UNSETTLED

    async def _fill(self) -> bool:
        if self._changed:
            self._buffer = []
        if not self._buffer:
            self._changed = False
            at_once = self.lane.batch * (self.lane.concurrency - self._under_way)
            claimed = await self._claim(self.lane.name, max(at_once, AHEAD), set(self.leaving))
            self._buffer = claimed[:at_once] if self._changed else claimed
            self._changed = False
        return bool(self._buffer)

    def _send(self) -> None:
        batch, self._buffer = self._buffer[: self.lane.batch], self._buffer[self.lane.batch :]
        self.leaving |= {row.id: row for row in batch}
        self._under_way += 1
        call = asyncio.create_task(self._deliver(batch))
        self._calls.add(call)
        call.add_done_callback(self._returned)

    async def _rest(self) -> None:
        if self._full:
            await self._wake.wait()
        else:
            await self._wait_for(min(IDLE, await self._wait_due(self.lane.name, set(self.leaving))))

    async def _wait_for(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    def _returned(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        self._wake.set()
        if not call.cancelled() and (error := call.exception()):
            log.error("a delivery was not settled", extra={"lane": self.lane.name}, exc_info=error)

    async def _deliver(self, rows: Sequence[Row]) -> None:
        try:
            try:
                outcomes = await self._attempt(rows)
            finally:
                self._under_way -= 1
                self._wake.set()
            self._judge(outcomes)
            await self._settle(list(zip(rows, outcomes, strict=True)))
        except Exception as error:
            self.lane.breaker.failed(time.monotonic(), f"outcomes cannot be written: {error}")
            raise
        finally:
            for row in rows:
                self.leaving.pop(row.id, None)

    async def _attempt(self, rows: Sequence[Row]) -> Sequence[Outcome]:
        try:
            outcomes = await self.lane.deliver(rows)
            if len(outcomes) != len(rows):
                raise ValueError(f"{len(outcomes)} outcomes for {len(rows)} deliveries")
            return outcomes
        except Exception as error:
            log.exception("delivery failed", extra={"lane": self.lane.name, "deliveries": [row.id for row in rows]})
            return [Unknown(f"{type(error).__name__}: {error}")] * len(rows)

    def _judge(self, outcomes: Sequence[Outcome]) -> None:
        """An answer of any kind closes the breaker; `Retry` (and a batch that is wholly unknown) opens it."""
        retries = [outcome for outcome in outcomes if isinstance(outcome, Retry)]
        if retries:
            self._buffer = []
            self.lane.breaker.failed(time.monotonic(), retries[0].why, retries[0].after)
            log.warning("lane waits", extra={"lane": self.lane.name, "why": retries[0].why})
        elif all(isinstance(outcome, Unknown) for outcome in outcomes):
            self.lane.breaker.failed(time.monotonic(), "no answer that proves anything")
        else:
            self.lane.breaker.succeeded(time.monotonic())

    async def _finish(self) -> None:
        if self._calls:
            await asyncio.wait(self._calls)
