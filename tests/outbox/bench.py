"""An engine on a real state database, with a clock in the test's hand and eyes for what it wrote."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import orjson
from sqlalchemy import select

from contracts.envelope import Envelope, decode
from contracts.model import Event
from contracts.operations import DeadLettered, DeadLetterSettled
from services.engine.kafka.record import Record
from services.engine.outbox.decision import NOTHING, Decision, Delivery
from services.engine.outbox.engine import Engine
from services.engine.outbox.handlers import Handlers, ServiceRules
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Outcome
from services.engine.privacy.forgetting import with_forgetting_rules
from services.engine.state.database import Database, open_database
from services.engine.state.records import State
from services.engine.state.tables import deliveries, events
from tests.outbox.shelf import LANE, NAME, NOW, handlers

EventT = TypeVar("EventT", bound=Event)
DEADLINE = 3600.0
"""Seconds that a delivery may stay blocked in these tests."""


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.now += timedelta(seconds=seconds)


@dataclass
class Bench:
    """An engine and its database."""

    database: Database
    engine: Engine
    clock: Clock
    in_flight: set[str]
    on_the_way: Callable[[], Collection[str]] = tuple

    async def take(self, *records: Record) -> None:
        """One batch of Kafka records."""
        await self.engine.take(records)

    async def touch(self, *subjects: str) -> None:
        """Have subjects decided in one transaction."""
        async with self.engine.work() as work:
            for subject in subjects:
                work.touch(subject)

    async def announce(self, *told: Event) -> None:
        """Announce events in one transaction."""
        async with self.engine.work() as work:
            await work.announce([(event, None) for event in told])

    async def due(self, limit: int = 100) -> list[Row]:
        """The rows that would leave now."""
        return await self.engine.claim(LANE, limit, ())

    async def settle(self, row: Row, outcome: Outcome) -> None:
        """One row's outcome."""
        await self.engine.settle([(row, outcome)])

    async def rows(self) -> dict[str, Any]:
        """All waiting rows by id, as they stand in the database."""
        async with self.database.read() as connection:
            return {row.id: row for row in await connection.execute(select(deliveries))}

    async def published(self) -> list[Envelope[Event]]:
        """All events that wait for the publisher, in order."""
        async with self.database.read() as connection:
            rows = (await connection.execute(select(events).order_by(events.c.seq))).all()
        return [decode([(name, text.encode()) for name, text in orjson.loads(r.headers)], r.value) for r in rows]

    async def said(self, type_: type[EventT]) -> list[EventT]:
        """The data of the published events of one type."""
        return [told.data for told in await self.published() if isinstance(told.data, type_)]

    async def letters(self) -> list[DeadLettered]:
        """The dead letters opened so far."""
        return await self.said(DeadLettered)

    async def closed(self) -> list[DeadLetterSettled]:
        """The dead letters closed so far."""
        return await self.said(DeadLetterSettled)


@dataclass
class Script:
    """Decisions by subject, as a test sets them: for tests that need no projection."""

    wanted: dict[str, Decision] = field(default_factory=dict)
    decided: list[str] = field(default_factory=list)

    def __call__(self, subject: str, state: State) -> Decision:
        self.decided.append(subject)
        return self.wanted.get(subject, NOTHING)


@asynccontextmanager
async def open_bench(folder: Path, rules: Handlers | None = None, *, caught_up: bool = True) -> AsyncIterator[Bench]:
    """A bench over the database in a folder, which is made if need be; `caught_up`: decisions are taken at once."""
    database = await open_database(folder, NAME)
    clock, leaving = Clock(), set[str]()
    complete = with_forgetting_rules(NAME, rules or handlers())
    engine = Engine(ServiceRules(NAME, complete, DEADLINE, lambda: bench.on_the_way()), database, clock)
    bench = Bench(database, engine, clock, leaving, lambda: leaving)
    if caught_up:
        engine.caught_up.set()
    try:
        yield bench
    finally:
        await database.close()


async def wanted(bench: Bench, script: Script, *deliveries: Delivery, **more: Any) -> None:
    """Decide the subject `a` anew: these deliveries are wanted now, and no other."""
    script.wanted["a"] = Decision(deliveries, **more)
    await bench.touch("a")
