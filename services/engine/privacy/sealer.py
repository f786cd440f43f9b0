"""Encrypts personal data in values that are published. A key is published and acknowledged before its first use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from contracts.envelope import Envelope, headers, value
from contracts.privacy import PersonKeyMade
from services.engine.privacy.key_ring import KeyRing, open_key_ring
from services.engine.privacy.keys import TOPIC
from services.engine.privacy.sealing import SealingKey, person_content, person_of, seal_value
from services.settings.model import Settings


class WaitingProducer(Protocol):
    """Sends a record, and returns when Kafka has acknowledged it."""

    async def send_and_wait(self, topic: str, *, value: bytes, key: bytes, headers: Any) -> Any: ...


class PersonNotSealed(ValueError):
    """A service without keys would publish the data of a person: a fault of the program."""


async def refuse_people(values: Sequence[bytes]) -> Sequence[bytes]:
    """The values, unchanged. Raises `PersonNotSealed` if one has personal data, which must not be published open."""
    if any(person_content(value) for value in values):
        raise PersonNotSealed("this service has no keys of people, and was about to publish the data of one")
    return values


class Sealer:
    """Seals the values of one service. No two may use the same `service` at a time: each would create a key."""

    def __init__(
        self, ring: KeyRing, producer: WaitingProducer, prefix: str, service: str, clock: Callable[[], datetime]
    ) -> None:
        self._ring, self._producer, self._topic, self._service = ring, producer, prefix + TOPIC, service
        self._clock = clock
        self._unacknowledged: dict[str, Envelope[PersonKeyMade]] = {}

    async def values(self, values: Sequence[bytes]) -> Sequence[bytes]:
        """The values, sealed, ready to be published. Raises `KafkaError`; calling it again resumes."""
        contents = [person_content(value) for value in values]
        if not any(contents):
            return values
        keys = await self._keys({person_of(content) for content in contents if content})
        return [
            seal_value(content, keys[person_of(content)]) if content else value
            for value, content in zip(values, contents, strict=True)
        ]

    async def _keys(self, refs: Collection[str]) -> dict[str, SealingKey]:
        await self._ring.refresh()
        await self._create_keys({ref for ref in refs if self._ring.keys.current(ref, self._service) is None})
        found = {ref: self._ring.keys.current(ref, self._service) for ref in refs}
        return {ref: key for ref, key in found.items() if key is not None}

    async def _create_keys(self, refs: Collection[str]) -> None:
        """Create and publish keys. One that was not acknowledged is published again, unchanged."""
        keys, now = self._ring.keys, self._clock()
        for ref in refs:
            if ref not in self._unacknowledged:
                self._unacknowledged[ref] = keys.create(ref, self._service, now)
        await asyncio.gather(*[self._publish(self._unacknowledged[ref]) for ref in refs])
        for ref in refs:
            keys.apply(self._unacknowledged.pop(ref))

    async def _publish(self, envelope: Envelope[PersonKeyMade]) -> None:
        key = envelope.data.key.encode()
        await self._producer.send_and_wait(self._topic, value=value(envelope), key=key, headers=headers(envelope))


@asynccontextmanager
async def open_sealer(settings: Settings, producer: AIOKafkaProducer) -> AsyncIterator[Sealer]:
    """A sealer for one command. It creates keys of its own, since another command may run at the same time."""
    ring = open_key_ring(settings)
    try:
        yield Sealer(ring, producer, settings.kafka.topic_prefix, f"cli-{uuid4()}", lambda: datetime.now(UTC))
    finally:
        await ring.close()
