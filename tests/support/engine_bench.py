"""A service's engine over a real state database, without Kafka: what it announces is read from its outbox."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import orjson
from sqlalchemy import select

from contracts.envelope import Envelope, decode
from contracts.model import Event
from services.engine import clock as clocks
from services.engine.kafka.record import Record
from services.engine.outbox.engine import Engine
from services.engine.outbox.handlers import Handlers, ServiceRules
from services.engine.privacy.forgetting import with_forgetting_rules
from services.engine.state.database import open_database
from services.engine.state.files import database_path
from services.engine.state.records import Kind
from services.engine.state.tables import events

EventT = TypeVar("EventT", bound=Event)
DAYS = 86_400.0


class Clock:
    """A clock that only moves when a test moves it."""

    def __init__(self, at: datetime = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        """Moves on by days, hours, minutes or seconds."""
        self.at += timedelta(**by)


class RunningClock:
    """A clock that begins at a given time and runs as fast as the real one."""

    def __init__(self, start: datetime) -> None:
        self._start, self._begun = start, time.monotonic()

    def __call__(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._begun)


@dataclass
class Ledger:
    """What an engine has announced, in order."""

    engine: Engine
    seen: int = 0

    async def news(self) -> list[Event]:
        """The events since the last call."""
        return [envelope.data for envelope in await self.envelopes()]

    async def news_of(self, kind: type[EventT]) -> list[EventT]:
        """The events of one type since the last call; the others count as seen too."""
        return [event for event in await self.news() if isinstance(event, kind)]

    async def envelopes(self) -> list[Envelope[Event]]:
        """The events since the last call, with their headers."""
        rows = await self._rows(self.seen)
        self.seen = rows[-1].seq if rows else self.seen
        return [decode(_headers(row), row.value) for row in rows]

    async def records(self) -> list[Record]:
        """Everything ever announced, as Kafka would give it back."""
        return [
            Record(row.topic, 0, row.seq, 0, row.key.encode(), row.value, _headers(row)) for row in await self._rows(0)
        ]

    async def _rows(self, after: int) -> Sequence[Any]:
        query = select(events).where(events.c.seq > after).order_by(events.c.seq)
        async with self.engine.database.read() as connection:
            return (await connection.execute(query)).all()


def _headers(row: Any) -> list[tuple[str, bytes | None]]:
    return [(name, text.encode()) for name, text in orjson.loads(row.headers)]


@asynccontextmanager
async def opened(
    name: str, handlers: Handlers, directory: Path, clock: clocks.Clock, kinds: Sequence[Kind[Any]] = ()
) -> AsyncIterator[Engine]:
    """An engine that has read all there was to read."""
    async with reading(name, handlers, directory, clock, kinds) as engine:
        await engine.finish_catch_up()
        yield engine


@asynccontextmanager
async def reading(
    name: str, handlers: Handlers, directory: Path, clock: clocks.Clock, kinds: Sequence[Kind[Any]] = ()
) -> AsyncIterator[Engine]:
    """An engine that still reads: it decides nothing before `catch_up_done`. `kinds`: those with a table."""
    database = await open_database(directory, name, kinds)
    try:
        rules = with_forgetting_rules(name, handlers)
        yield Engine(ServiceRules(name, rules, 3 * DAYS, frozenset), database, clock)
    finally:
        await database.close()


@contextmanager
def commits(directory: Path, name: str) -> Iterator[list[bool]]:
    """Whether anything is written to a state database meanwhile: [] or [True] when the block has ended."""
    written: list[bool] = []
    with closing(sqlite3.connect(database_path(directory, name))) as onlooker:
        before = _version(onlooker)
        yield written
        written += [True] if _version(onlooker) != before else []


def _version(onlooker: sqlite3.Connection) -> int:
    found: int = onlooker.execute("PRAGMA data_version").fetchone()[0]
    return found
