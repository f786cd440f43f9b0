"""An engine on a real state database, with a clock that the test moves and readers of what the engine wrote."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import orjson
from sqlalchemy import event as sql
from sqlalchemy import select
from sqlalchemy.engine import Engine as SqlEngine

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
from tests.outbox.sample_service import LANE, NAME, NOW, handlers

EventT = TypeVar("EventT", bound=Event)
DEADLINE = 3600.0
"""Seconds that a delivery may stay blocked in these tests."""


@dataclass
class Clock:
    """A clock that does not move by itself."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Move the clock forward by so many seconds."""
        self.now += timedelta(seconds=seconds)


@dataclass
class Bench:
    """An engine and its database."""

    database: Database
    engine: Engine
    clock: Clock
    in_flight: set[str]
    read_in_flight: Callable[[], Collection[str]] = tuple

    async def take(self, *records: Record) -> None:
        """Handle one batch of Kafka records."""
        await self.engine.take(records)

    async def touch(self, *subjects: str) -> None:
        """Decide subjects in one transaction."""
        async with self.engine.work() as work:
            for subject in subjects:
                work.touch(subject)

    async def announce(self, *announced: Event) -> None:
        """Announce events in one transaction."""
        async with self.engine.work() as work:
            await work.announce([(event, None) for event in announced])

    async def due(self, limit: int = 100) -> list[Row]:
        """The rows that would be delivered now."""
        return await self.engine.claim(LANE, limit, ())

    async def settle(self, row: Row, outcome: Outcome) -> None:
        """Record the outcome of one row."""
        await self.engine.settle([(row, outcome)])

    async def rows(self) -> dict[str, Any]:
        """All waiting rows of the database, by id."""
        async with self.database.read() as connection:
            return {row.id: row for row in await connection.execute(select(deliveries))}

    async def published(self) -> list[Envelope[Event]]:
        """All events that wait for the publisher, in order."""
        async with self.database.read() as connection:
            rows = (await connection.execute(select(events).order_by(events.c.seq))).all()
        return [decode([(name, text.encode()) for name, text in orjson.loads(r.headers)], r.value) for r in rows]

    async def events_of(self, type_: type[EventT]) -> list[EventT]:
        """The published events of one type, without their envelopes."""
        return [envelope.data for envelope in await self.published() if isinstance(envelope.data, type_)]

    async def dead_letters(self) -> list[DeadLettered]:
        """The dead letters opened so far."""
        return await self.events_of(DeadLettered)

    async def closed_dead_letters(self) -> list[DeadLetterSettled]:
        """The dead letters closed so far."""
        return await self.events_of(DeadLetterSettled)


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
    """A bench over the database in a folder, created if it is missing; `caught_up`: decisions are taken at once."""
    database = await open_database(folder, NAME)
    clock, in_flight = Clock(), set[str]()
    complete = with_forgetting_rules(NAME, rules or handlers())
    engine = Engine(ServiceRules(NAME, complete, DEADLINE, lambda: bench.read_in_flight()), database, clock)
    bench = Bench(database, engine, clock, in_flight, lambda: in_flight)
    if caught_up:
        engine.caught_up.set()
    try:
        yield bench
    finally:
        await database.close()


async def want(bench: Bench, script: Script, *deliveries: Delivery, **more: Any) -> None:
    """Decide the subject `a` again: exactly these deliveries are wanted now."""
    script.wanted["a"] = Decision(deliveries, **more)
    await bench.touch("a")


@contextmanager
def record_statements() -> Iterator[list[str]]:
    """Record the SQL statements that are executed meanwhile; one for many rows counts once."""
    executed: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        executed.append(statement)

    sql.listen(SqlEngine, "before_cursor_execute", note)
    try:
        yield executed
    finally:
        sql.remove(SqlEngine, "before_cursor_execute", note)
