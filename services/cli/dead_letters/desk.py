"""Asking the services about dead letters, many in a row, and hearing what becomes of each."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import TypeVar

from aiokafka import AIOKafkaProducer

from contracts.envelope import Envelope, headers, value, wrap
from contracts.model import Event
from contracts.operations import DeadLettered
from contracts.topics import TOPICS
from services.engine.kafka.commands import answers, following
from services.engine.kafka.connection import producer
from services.engine.kafka.publisher import Seal, in_clear
from services.engine.privacy.writing import sealing
from services.settings.model import KafkaSettings

FoundT = TypeVar("FoundT")
HEARD = tuple(topic.name for topic in TOPICS if not topic.name.startswith("balance."))
"""Whatever a replay may bring about."""


class Desk:
    """Commands go out here, and what the topics say from then on is heard."""

    def __init__(self, settings: KafkaSettings, sender: AIOKafkaProducer, seal: Seal) -> None:
        self._followed: defaultdict[str, list[Event]] = defaultdict(list)
        self._reopened: dict[str, DeadLettered] = {}
        self._settings, self._sender, self._seal = settings, sender, seal
        self._said = asyncio.Condition()

    def story(self, correlation: str, dead_letter: str) -> list[Event]:
        """What has followed from a command; a dead letter that was opened again comes last."""
        again = self._reopened.get(dead_letter)
        return [*self._followed.get(correlation, ()), *([again] if again else [])]

    async def send(self, command: Event) -> str:
        """Publish a command; returns its correlation id when Kafka has it."""
        envelope = wrap(command, version=1, source="davtari-cli", time=datetime.now(UTC))
        await self.publish(envelope)
        return envelope.correlationid

    async def publish(self, envelope: Envelope[Event]) -> None:
        """Publish an event as it is, its person sealed; returns when Kafka has it."""
        topic, key = self._settings.topic_prefix + envelope.data.TOPIC, envelope.data.key.encode()
        async with asyncio.timeout(self._settings.send_timeout):
            (body,) = await self._seal([value(envelope)])
            await self._sender.send_and_wait(topic, value=body, key=key, headers=headers(envelope))

    async def take(self, envelopes: AsyncIterator[Envelope[Event]]) -> None:
        """Listen until cancelled."""
        async for envelope in envelopes:
            async with self._said:
                self._followed[envelope.correlationid].append(envelope.data)
                if isinstance(envelope.data, DeadLettered):
                    self._reopened[envelope.data.dead_letter] = envelope.data
                self._said.notify_all()

    async def until(self, look: Callable[[], FoundT | None], patience: float) -> FoundT | None:
        """Wait until something was heard; None if it was not within so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience), self._said:
                await self._said.wait_for(lambda: look() is not None)
        return look()


@asynccontextmanager
async def desk(settings: KafkaSettings, *, seal: bool = True) -> AsyncIterator[Desk]:
    """A desk that listens from now on."""
    sender = producer(settings, "cli")
    async with answers(settings, *HEARD) as consumer, sealing(settings, sender) as sealer:
        listening: asyncio.Task[None] | None = None
        try:
            await sender.start()
            made = Desk(settings, sender, sealer.values if seal else in_clear)
            listening = asyncio.create_task(made.take(following(consumer)))
            yield made
        finally:
            await sender.stop()
            if listening:
                listening.cancel()
                await asyncio.wait([listening])
