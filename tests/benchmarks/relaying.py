"""A relay at work in a benchmark, and when it has made everything durable."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from services.engine.outbox.engine import Engine
from services.engine.outbox.lane import Lane, Row
from services.engine.outbox.outcome import Outcome
from services.engine.outbox.relay import Relay


class Counting(Relay):
    """A relay that counts the outcomes of its deliveries."""

    def __init__(self, lane: Lane, engine: Engine) -> None:
        super().__init__(replace(lane, deliver=self._counted), engine.claim, engine.settle, engine.wait_due)
        self.outcomes: Counter[str] = Counter()
        self._deliver, self._changed_now = lane.deliver, asyncio.Event()

    async def _counted(self, rows: Sequence[Row]) -> Sequence[Outcome]:
        outcomes = await self._deliver(rows)
        self.outcomes.update(type(outcome).__name__ for outcome in outcomes)
        return outcomes

    def wake(self) -> None:
        """The database has changed, or an outcome is durable."""
        super().wake()
        self._changed_now.set()

    async def done(self, count: int) -> None:
        """Wait until so many deliveries have been made, and all of it is durable. Raises `TimeoutError`."""
        async with asyncio.timeout(240):
            while self.outcomes["Done"] < count or self.in_flight:
                self._changed_now.clear()
                await self._changed_now.wait()


@asynccontextmanager
async def relaying(engine: Engine, lane: Lane) -> AsyncIterator[Counting]:
    """The relay of a lane, at work while the block lasts."""
    relay = Counting(lane, engine)
    engine.on_change[:] = [relay.wake]
    running = asyncio.create_task(relay.run())
    yield relay
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
