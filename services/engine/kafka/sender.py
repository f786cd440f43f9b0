"""A producer that is replaced when it has lost its place.

After a send that Kafka has refused, the numbers of an idempotent producer do not follow on any more (out of order
sequence, unknown producer id, fenced): it would be refused for ever. A broker that is away is no such case: then the
producer keeps what it was given, in order, and sends it when the broker is back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaProducer

log = logging.getLogger(__name__)
STOPS_IN = 5.0
"""Seconds in which a producer sends what it still holds; while the broker is away it would wait for ever."""


class Sender:
    """Sends with a producer of its own, which `make` gives."""

    def __init__(self, make: Callable[[], AIOKafkaProducer]) -> None:
        self._make = make
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect. Raises `KafkaUnreachable`."""
        producer = self._make()
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        self._producer = producer

    async def send(self, topic: str, **record: Any) -> asyncio.Future[Any]:
        """Hand a record over; the future tells what became of it. Raises `KafkaError`."""
        sent: asyncio.Future[Any] = await (await self._connected()).send(topic, **record)
        return sent

    async def send_and_wait(self, topic: str, **record: Any) -> None:
        """Send a record. Raises `KafkaError`."""
        await (await self._connected()).send_and_wait(topic, **record)

    async def renew(self) -> None:
        """Take another producer: this one's numbers do not follow on any more. Raises `KafkaUnreachable`."""
        log.warning("the producer has lost its place and is replaced")
        await self.stop()
        await self.start()

    async def stop(self) -> None:
        """Send what is left, if the broker is there, and disconnect."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            async with asyncio.timeout(STOPS_IN):
                await producer.stop()
        except TimeoutError:
            log.info("events are sent at the next start: the broker is away")

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            await self.start()
        assert self._producer is not None
        return self._producer
