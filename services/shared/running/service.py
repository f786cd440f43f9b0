"""A running service: its state database, its consumer, its relays and its own tasks, wired and started in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.shared.delivery.engine import Clock, Engine
from services.shared.delivery.handlers import Handlers
from services.shared.delivery.lane import Lane
from services.shared.delivery.relay import Relay
from services.shared.delivery.work import Rules
from services.shared.logs import in_service
from services.shared.messaging.connection import producer
from services.shared.messaging.consumer import Consumer, catch_up
from services.shared.messaging.publisher import Publisher
from services.shared.running.garbage import look_less_often
from services.shared.settings.model import Settings
from services.shared.state.database import Database, open_database
from services.shared.telemetry.families import Reads
from services.shared.telemetry.observed import observed_lane, observed_take

log = logging.getLogger(__name__)
Task = Callable[[Engine], Awaitable[None]]
ENGINE_TOPICS = ("operations", "dead-letters")
TICK = 0.5
"""Seconds between two looks at what has become due by time."""


def utc_now() -> datetime:
    """The clock of production."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What `app.py` of a service says of it: its rules, its lanes, and tasks of its own.

    `fingerprint` stands for the settings that the rules depend on: when it changes, every subject is decided again.
    `tasks` run once everything known at the start has been read. `readings` are metrics of its own.
    """

    name: str
    handlers: Handlers
    fingerprint: str
    lanes: Sequence[Lane] = ()
    tasks: Sequence[Task] = ()
    early_tasks: Sequence[Task] = field(default=())
    readings: Sequence[Reads] = ()


@dataclass(frozen=True, slots=True)
class Running:
    """The parts of a running service, for those who watch it."""

    engine: Engine
    publisher: Publisher
    consumer: Consumer
    relays: Sequence[Relay]


class Service:
    """One service of Davtari, ready to run."""

    def __init__(self, blueprint: Blueprint, settings: Settings, clock: Clock = utc_now) -> None:
        self.blueprint, self.settings, self.clock = blueprint, settings, clock
        self.relays: list[Relay] = []
        self.ready = asyncio.Event()
        self.running: Running | None = None

    async def run(self) -> None:
        """Run until cancelled. Whatever is under way is finished and made durable before it returns."""
        with in_service(self.blueprint.name):
            database = await open_database(self.settings.state.directory, self.blueprint.name)
            try:
                await self._run(database)
            finally:
                self.running = None
                await database.close()

    async def _run(self, database: Database) -> None:
        engine = Engine(self._rules(), database, self.clock)
        await engine.settings_are(self.blueprint.fingerprint)
        lanes = [observed_lane(lane, self.blueprint.name, database) for lane in self.blueprint.lanes]
        self.relays = [Relay(lane, engine.claim, engine.settle, engine.wait_due) for lane in lanes]
        async with self._publishing(engine) as publisher, self._consuming(engine) as consumer:
            self.running = Running(engine, publisher, consumer, self.relays)
            look_less_often()
            engine.on_change += [publisher.wake, *[relay.wake for relay in self.relays]]
            async with asyncio.TaskGroup() as tasks:
                for task in (publisher.run(), *[task(engine) for task in self.blueprint.early_tasks]):
                    tasks.create_task(_as_coroutine(task))
                await catch_up(consumer)
                await engine.catch_up_done()
                log.info("caught up", extra={"topics": len(self.blueprint.handlers.topics)})
                self.ready.set()
                for task in (
                    _tick(engine),
                    *[r.run() for r in self.relays],
                    *[t(engine) for t in self.blueprint.tasks],
                ):
                    tasks.create_task(_as_coroutine(task))

    def _rules(self) -> Rules:
        return Rules(
            service=self.blueprint.name,
            handlers=self.blueprint.handlers,
            blocked_deadline=self.settings.retry.blocked_deadline,
            leaving=lambda: {id_ for relay in self.relays for id_ in relay.leaving},
        )

    @asynccontextmanager
    async def _publishing(self, engine: Engine) -> AsyncIterator[Publisher]:
        kafka = self.settings.kafka
        async with AsyncExitStack() as stack:
            sender = producer(kafka, self.blueprint.name)
            await sender.start()
            stack.push_async_callback(sender.stop)
            yield Publisher(engine.database, sender, kafka.topic_prefix, kafka.send_timeout)

    @asynccontextmanager
    async def _consuming(self, engine: Engine) -> AsyncIterator[Consumer]:
        name = self.blueprint.name
        topics = dict.fromkeys((*self.blueprint.handlers.topics, *ENGINE_TOPICS))
        group = f"{self.settings.kafka.topic_prefix}{name}.{engine.database.generation}"
        take = observed_take(engine.take, name, self.settings.kafka.topic_prefix)
        consumer = Consumer(self.settings.kafka, topics, group, name, take)
        try:
            await consumer.start()
            yield consumer
        finally:
            await consumer.stop()


async def _as_coroutine(task: Awaitable[None]) -> None:
    await task


async def _tick(engine: Engine) -> None:
    while True:
        await engine.decide_due()
        await engine.bury_overdue()
        await asyncio.sleep(TICK)
