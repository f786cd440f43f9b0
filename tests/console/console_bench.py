"""A console's engine over a real database that is given events, as Kafka would give them, and asked questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from contracts.envelope import Envelope, headers, value, wrap
from contracts.model import Event
from services.console.model.handlers import KINDS, SERVICE, handlers
from services.engine.kafka.record import Record
from services.engine.outbox.engine import Engine
from services.settings.model import Settings
from tests.support.engine_bench import Clock, opened, reading
from tests.support.exporting import PAID, settings

ResultT = TypeVar("ResultT")


def record_of(envelope: Envelope[Event], offset: int = 0) -> Record:
    """The Kafka record of an event; results of commands count without the command, as those before signatures do."""
    event = envelope.data
    content, marks = value(envelope), [*headers(envelope)]
    return Record(event.TOPIC, 0, offset, 0, event.key.encode(), content, marks, earlier=True)


@dataclass
class ConsoleBench:
    """A console that has caught up. `take` gives it events, each a newer version of its subject."""

    engine: Engine
    clock: Clock
    _versions: Counter[tuple[str, str]] = field(default_factory=Counter)
    _offset: int = 0

    async def take(self, *events: Event, at: datetime | None = None) -> None:
        """Give events to the console in one batch."""
        await self.take_envelopes(self.wrap(event, at) for event in events)

    def wrap(self, event: Event, at: datetime | None = None) -> Envelope[Event]:
        """An event with the next version of its subject."""
        slot = (event.TOPIC, event.subject)
        self._versions[slot] += 1
        return wrap(event, version=self._versions[slot], source="a-service", time=at or self.clock())

    async def take_envelopes(self, envelopes: Iterable[Envelope[Event]]) -> None:
        """Give the records of these events to the console in one batch."""
        records = []
        for envelope in envelopes:
            self._offset += 1
            records.append(record_of(envelope, self._offset))
        await self.engine.take(records)

    async def ask(self, question: Callable[..., Awaitable[ResultT]], *values: Any, **more: Any) -> ResultT:
        """Ask a query of `services/console/queries`."""
        async with self.engine.database.read() as connection:
            return await question(connection, *values, **more)


@asynccontextmanager
async def open_console(
    folder: Path, using: Settings | None = None, at: datetime = PAID, *, caught_up: bool = True
) -> AsyncIterator[ConsoleBench]:
    """A console over the database in a folder, created if it is missing."""
    clock = Clock(at)
    start = opened if caught_up else reading
    async with start(SERVICE, handlers(using or settings()), folder, clock, KINDS) as engine:
        yield ConsoleBench(engine, clock)
