"""A fake upstream: it holds calls at a gate, counts the deliveries in progress and answers as the test says."""

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
from tests.outbox.sample_service import LANE, availability, record, stock

TIMEOUT = 10.0
"""Seconds after which a test stops waiting; nothing here takes that long."""
Check = Callable[[], Awaitable[object]]
Answer = Callable[[Row], Outcome]


async def eventually(check: Check, description: str) -> None:
    """Wait until a check holds. Raises `AssertionError` with its description on a timeout."""
    end = time.monotonic() + TIMEOUT
    while not await check():
        assert time.monotonic() < end, f"timed out: {description}"
        await asyncio.sleep(0.005)


def done(row: Row) -> Outcome:
    """The delivery succeeded."""
    return Done((availability(row.key, row.payload["quantity"]),))


@dataclass
class Upstream:
    """`answer` returns the outcome of a row; while `gate` is not set, calls wait."""

    answer: Answer = done
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    calls: list[list[Row]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    in_progress: list[str] = field(default_factory=list)
    most: int = 0
    overlaps: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    async def deliver(self, rows: Sequence[Row]) -> Sequence[Outcome]:
        """One call for these rows."""
        self.calls.append(list(rows))
        self.times.append(time.monotonic())
        self.overlaps += [row.key for row in rows if row.key in self.in_progress]
        self.in_progress += [row.key for row in rows]
        self.most = max(self.most, len(self.in_progress))
        await self.gate.wait()
        for row in rows:
            self.in_progress.remove(row.key)
        return [self.answer(row) for row in rows]

    @property
    def seen(self) -> list[tuple[str, int]]:
        """(key, quantity) of every row that arrived, in order."""
        return [(row.key, row.payload["quantity"]) for call in self.calls for row in call]

    async def wait_for_calls(self, calls: int) -> None:
        """Wait until so many calls have arrived."""

        async def there() -> bool:
            return len(self.calls) >= calls

        await eventually(there, f"{calls} calls; {len(self.calls)} arrived")


@asynccontextmanager
async def run_relay(
    bench: Bench, upstream: Upstream, batch: int = 1, concurrency: int = 4, breaker: Breaker | None = None
) -> AsyncIterator[Relay]:
    """A relay that runs while the context lasts; at the end it finishes the deliveries in progress."""
    lane = Lane(LANE, upstream.deliver, breaker or Breaker(lambda _: 0.01), batch, concurrency)
    relay = Relay(lane, bench.engine.claim, bench.engine.settle, bench.engine.wait_due)
    bench.engine.on_change.append(relay.wake)
    bench.read_in_flight = lambda: relay.in_flight
    running = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        running.cancel()
        await asyncio.wait([running])


async def wait_until_empty(bench: Bench) -> None:
    """Wait until the outbox is empty."""

    async def empty() -> bool:
        return not await bench.rows()

    await eventually(empty, "an empty outbox")


async def add_stock(bench: Bench, *items: str, quantity: int = 1) -> None:
    """Report so many pieces of each item in stock."""
    await bench.take(*[record(stock(item, quantity), version=quantity) for item in items])


def have_left(bench: Bench, *ids: str) -> Check:
    """A check that these rows have left the outbox."""

    async def there() -> bool:
        return not set(ids) & set(await bench.rows())

    return there


def has_attempt(bench: Bench, id_: str) -> Check:
    """A check that an attempt at this row has been recorded."""

    async def there() -> bool:
        return bool((await bench.rows())[id_].attempts != "[]")

    return there
