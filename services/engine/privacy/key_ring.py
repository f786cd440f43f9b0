"""The key ring of a process: reads `privacy.keys` when the first key is needed, and follows it from then on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.envelope import Undecodable
from services.engine.kafka.availability import TopicsMissing
from services.engine.kafka.connection import create_reader
from services.engine.kafka.log_check import LogChanged
from services.engine.kafka.record import Record, from_aiokafka
from services.engine.kafka.signature import Verifier, read_verifier
from services.engine.kafka.topics import check_topics_exist
from services.engine.privacy.keys import TOPIC, Keys
from services.engine.privacy.sealing import SealingKey
from services.settings.kafka import KafkaSettings
from services.settings.model import Settings

log = logging.getLogger(__name__)
REFRESH_INTERVAL = 60.0
"""Seconds."""
FETCH_WAIT_MS = 20
"""A fetch is only made when there is something to read."""


class KeyRing:
    """The keys of all people. A key is published before its first use: one that the topic lacks was deleted.

    `verifier` refuses deletions that no person has signed.
    """

    def __init__(self, settings: KafkaSettings, verifier: Verifier) -> None:
        self.keys = Keys()
        self._refused: list[Record] = []
        self._settings, self._verifier = settings, verifier
        self._consumer: AIOKafkaConsumer | None = None
        self._reading = asyncio.Lock()
        self._deleted: set[str] = set()

    async def look_up(self, kids: Collection[str]) -> dict[str, SealingKey | None]:
        """These keys; None for one that was deleted, which is final. Raises `KafkaError`."""
        unknown = {kid for kid in kids if kid not in self.keys} - self._deleted
        if unknown:
            await self.refresh()
            self._deleted |= {kid for kid in unknown if kid not in self.keys}
        return {kid: self.keys.get(kid) for kid in kids}

    async def refresh(self) -> None:
        """Read the topic to its present end. Raises `KafkaError`, and `LogChanged` if it has become shorter."""
        async with self._reading:
            consumer = await self._open_consumer()
            ends = await consumer.end_offsets(consumer.assignment())
            for tp, end in ends.items():
                if await consumer.position(tp) > end:
                    raise LogChanged(
                        f"{tp.topic} ends at {end}, and was read further: it has lost keys of personal data"
                    )
            await self._read_until(consumer, ends)

    def take_refused(self) -> Sequence[Record]:
        """The records that were refused since the last call."""
        refused, self._refused = self._refused, []
        return refused

    async def keep_fresh(self) -> None:
        """Refresh every minute once a key has been needed, so that deleted keys leave the memory too."""
        while True:
            await asyncio.sleep(REFRESH_INTERVAL)
            if self._consumer is not None:
                try:
                    await self.refresh()
                except KafkaError as error:
                    log.warning("the keys of personal data cannot be read at the moment", extra={"why": repr(error)})

    async def close(self) -> None:
        """Stop reading."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def _open_consumer(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            await check_topics_exist(self._settings, [TOPIC])  # a reader would wait for it without a message
            consumer = create_reader(self._settings, [TOPIC], wait_ms=FETCH_WAIT_MS)
            try:
                await consumer.start()
                if not consumer.assignment():
                    raise TopicsMissing(f"Kafka assigns no partition of {self._settings.topic_prefix}{TOPIC} yet")
                consumer.pause(*consumer.assignment())
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        return self._consumer

    async def _read_until(self, consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> None:
        """Fetch only while there is something to read.

        A broker answers the requests of a connection in order: the question for the end would wait for a fetch that
        finds nothing, with every event that is about to be published.
        """
        try:
            while left := [tp for tp, end in ends.items() if await consumer.position(tp) < end]:
                consumer.resume(*left)
                await self._read_batch(consumer)
        finally:
            consumer.pause(*consumer.assignment())

    async def _read_batch(self, consumer: AIOKafkaConsumer) -> None:
        for records in (await consumer.getmany(timeout_ms=200)).values():
            for raw in records:
                self._apply(self._verifier.check(from_aiokafka(raw)))

    def _apply(self, record: Record) -> None:
        try:
            self.keys.apply(record.read())
        except Undecodable as error:
            log.warning("a key cannot be read", extra={"offset": record.offset, "reason": error.code})
            if isinstance(record.opened, Undecodable):
                self._refused.append(record)


def open_key_ring(settings: Settings) -> KeyRing:
    """The key ring of a program that is not a service. Raises `SecretMissing` for an unreadable public key."""
    return KeyRing(settings.kafka, read_verifier(settings.commands, settings.kafka.topic_prefix))
