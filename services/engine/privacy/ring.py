"""The key ring of a process: `privacy.keys`, read when the first key is needed, and followed from then on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from contracts.envelope import Undecodable, decode
from services.engine.kafka.availability import TopicsMissing
from services.engine.kafka.connection import create_reader
from services.engine.kafka.log_check import LogChanged
from services.engine.kafka.topics import check_topics_exist
from services.engine.privacy.keys import TOPIC, Keys
from services.engine.privacy.sealing import PersonKey
from services.settings.kafka import KafkaSettings

log = logging.getLogger(__name__)
EVERY = 60.0
"""Seconds."""


class KeyRing:
    """The keys of all people. A key is told before its first use: one that the topic does not have was given up."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.keys = Keys()
        self._settings = settings
        self._consumer: AIOKafkaConsumer | None = None
        self._reading = asyncio.Lock()
        self._gone: set[str] = set()

    async def look_up(self, kids: Collection[str]) -> dict[str, PersonKey | None]:
        """These keys; None for one that was given up, which is final. Raises `KafkaError`."""
        unknown = {kid for kid in kids if kid not in self.keys} - self._gone
        if unknown:
            await self.read_on()
            self._gone |= {kid for kid in unknown if kid not in self.keys}
        return {kid: self.keys.get(kid) for kid in kids}

    async def read_on(self) -> None:
        """Read the topic to its present end. Raises `KafkaError`, and `LogChanged` if it has become shorter."""
        async with self._reading:
            consumer = await self._opened()
            ends = await consumer.end_offsets(consumer.assignment())
            for tp, end in ends.items():
                if await consumer.position(tp) > end:
                    raise LogChanged(f"{tp.topic} ends at {end}, and was read further: keys of people are gone from it")
            while [tp for tp, end in ends.items() if await consumer.position(tp) < end]:
                await self._hear(consumer)

    async def keep_up(self) -> None:
        """Read on every minute, once somebody has needed a key: one that was given up goes out of the memory too."""
        while True:
            await asyncio.sleep(EVERY)
            if self._consumer is not None:
                try:
                    await self.read_on()
                except KafkaError as error:
                    log.warning("the keys of personal data cannot be read at present", extra={"why": repr(error)})

    async def close(self) -> None:
        """Leave off."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def _opened(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            await check_topics_exist(self._settings, [TOPIC])  # a reader would wait for it without a word
            consumer = create_reader(self._settings, [TOPIC], wait_ms=500)
            try:
                await consumer.start()
                if not consumer.assignment():
                    raise TopicsMissing(
                        f"Kafka lists {self._settings.topic_prefix}{TOPIC} but assigns no partition of it yet"
                    )
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        return self._consumer

    async def _hear(self, consumer: AIOKafkaConsumer) -> None:
        for records in (await consumer.getmany(timeout_ms=200)).values():
            for raw in records:
                try:
                    self.keys.heard(decode(raw.headers, raw.value))
                except Undecodable as error:
                    log.warning("no key can be read here", extra={"offset": raw.offset, "reason": error.code})
