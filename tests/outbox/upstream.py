"""An upstream in the test's hand: it holds calls at a gate, counts what is under way and answers as it is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from services.engine.outbox.breaker import Breaker
from services.engine.outbox.lane import Lane, Row
from services.engine.outbox.outcome import Done, Outcome
from services.engine.outbox.relay import Relay
from tests.outbox.bench import Bench
from tests.outbox.shelf import LANE, record, shelved, stock

PATIENCE = 10.0
"""Seconds after which a test gives up waiting; nothing here takes so long."""
Check = Callable[[], Awaitable[object]]
Answer = Callable[[Row], Outcome]


async def eventually(check: Check, told: str) -> None:
    """Wait until a check holds. Raises `AssertionError` with what was awaited."""
    end = time.monotonic() + PATIENCE
    while not await check():
        assert time.monotonic() < end, f"in vain: {told}"
        await asyncio.sleep(0.005)


def done(row: Row) -> Outcome:
    """It stands on the shelf."""
    return Done((shelved(row.key, row.payload["quantity"]),))


@dataclass
class Upstream:
    """`answer` says what becomes of a row; while `gate` is shut calls wait."""

    answer: Answer = done
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    calls: list[list[Row]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    under_way: list[str] = field(default_factory=list)
    most: int = 0
    overlaps: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    async def deliver(self, rows: Sequence[Row]) -> Sequence[Outcome]:
        """One call for these rows."""
        self.calls.append(list(rows))
        self.times.append(time.monotonic())
        self.overlaps += [row.key for row in rows if row.key in self.under_way]
        self.under_way += [row.key for row in rows]
        self.most = max(self.most, len(self.under_way))
        await self.gate.wait()
        for row in rows:
            self.under_way.remove(row.key)
        return [self.answer(row) for row in rows]

    @property
    def seen(self) -> list[tuple[str, int]]:
        """(key, quantity) of every row that arrived, in order."""
        return [(row.key, row.payload["quantity"]) for call in self.calls for row in call]

    async def reached(self, calls: int) -> None:
        """Wait until so many calls have arrived."""

        async def there() -> bool:
            return len(self.calls) >= calls

        await eventually(there, f"{calls} calls, arrived are {len(self.calls)}")


@asynccontextmanager
async def relaying(
    bench: Bench, upstream: Upstream, batch: int = 1, concurrency: int = 4, breaker: Breaker | None = None
) -> AsyncIterator[Relay]:
    """A relay at work for as long as the context lasts; at the end it finishes what is under way."""
    lane = Lane(LANE, upstream.deliver, breaker or Breaker(lambda _: 0.01), batch, concurrency)
    relay = Relay(lane, bench.engine.claim, bench.engine.settle, bench.engine.wait_due)
    bench.engine.on_change.append(relay.wake)
    bench.on_the_way = lambda: relay.in_flight
    running = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        running.cancel()
        await asyncio.wait([running])


async def all_settled(bench: Bench) -> None:
    """Wait until no row waits any more."""

    async def empty() -> bool:
        return not await bench.rows()

    await eventually(empty, "an empty outbox")


async def stocked(bench: Bench, *items: str, quantity: int = 1) -> None:
    """So many pieces of each item come into stock."""
    await bench.take(*[record(stock(item, quantity), version=quantity) for item in items])


def gone(bench: Bench, *ids: str) -> Check:
    """Whether these rows wait no more."""

    async def there() -> bool:
        return not set(ids) & set(await bench.rows())

    return there


def tried(bench: Bench, id_: str) -> Check:
    """Whether an attempt at this row has been noted."""

    async def there() -> bool:
        return bool((await bench.rows())[id_].attempts != "[]")

    return there
