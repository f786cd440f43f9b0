"""Writing: values with their person sealed. A key is told, and acknowledged, before anything is sealed with it."""

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
from services.engine.privacy.keys import TOPIC
from services.engine.privacy.ring import KeyRing
from services.engine.privacy.sealing import PersonKey, in_clear, sealed, whose
from services.settings.kafka import KafkaSettings


class Sends(Protocol):
    """Sends a record, and returns when Kafka has it."""

    async def send_and_wait(self, topic: str, *, value: bytes, key: bytes, headers: Any) -> Any: ...


class Sealer:
    """Seals what one service says. No two may use the same `service` at a time: each would make a key."""

    def __init__(
        self, ring: KeyRing, producer: Sends, prefix: str, service: str, clock: Callable[[], datetime]
    ) -> None:
        self._ring, self._producer, self._topic, self._service = ring, producer, prefix + TOPIC, service
        self._clock = clock
        self._untold: dict[str, Envelope[PersonKeyMade]] = {}

    async def values(self, values: Sequence[bytes]) -> Sequence[bytes]:
        """The values of records that are about to be sent. Raises `KafkaError`; asked again, it goes on."""
        contents = [in_clear(value) for value in values]
        if not any(contents):
            return values
        keys = await self._keys({whose(content) for content in contents if content})
        return [
            sealed(content, keys[whose(content)]) if content else value
            for value, content in zip(values, contents, strict=True)
        ]

    async def _keys(self, refs: Collection[str]) -> dict[str, PersonKey]:
        await self._ring.read_on()
        await self._tell({ref for ref in refs if self._ring.keys.of(ref, self._service) is None})
        found = {ref: self._ring.keys.of(ref, self._service) for ref in refs}
        return {ref: key for ref, key in found.items() if key is not None}

    async def _tell(self, refs: Collection[str]) -> None:
        """Make keys. One whose acknowledgement did not come is told again, as it was."""
        keys, now = self._ring.keys, self._clock()
        for ref in refs:
            if ref not in self._untold:
                self._untold[ref] = keys.made(ref, self._service, now)
        await asyncio.gather(*[self._send(self._untold[ref]) for ref in refs])
        for ref in refs:
            keys.heard(self._untold.pop(ref))

    async def _send(self, envelope: Envelope[PersonKeyMade]) -> None:
        key = envelope.data.key.encode()
        await self._producer.send_and_wait(self._topic, value=value(envelope), key=key, headers=headers(envelope))


@asynccontextmanager
async def sealing(settings: KafkaSettings, producer: AIOKafkaProducer) -> AsyncIterator[Sealer]:
    """A sealer for one command, which makes keys of its own: another may run at the same time."""
    ring = KeyRing(settings)
    try:
        yield Sealer(ring, producer, settings.topic_prefix, f"cli-{uuid4()}", lambda: datetime.now(UTC))
    finally:
        await ring.close()
