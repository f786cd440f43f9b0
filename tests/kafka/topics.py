"""Topics on the real broker, with raw records written and read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from contracts.envelope import Envelope, decode, value
from contracts.model import Event
from services.demo.kafka import Broker
from services.engine.kafka.consumer import Consumer
from services.engine.kafka.record import Record, positions_after
from services.engine.state.store import Partition, Position
from services.settings.model import KafkaSettings
from tests.support.signing import sign_event

STOCK, AVAILABILITY, OPERATIONS, DEAD_LETTERS = "balance.stock", "stock.availability", "operations", "dead-letters"
COMMANDS = "commands"
TIMEOUT = 20.0
"""Seconds after which a test stops waiting for something that takes one second."""
Headers = Sequence[tuple[str, bytes | None]]


async def eventually(check: Callable[[], Awaitable[object]], what: str) -> None:
    """Wait until a check holds. Raises `AssertionError` with its description on a timeout."""
    end = time.monotonic() + TIMEOUT
    while not await check():
        assert time.monotonic() < end, f"timed out: {what}"
        await asyncio.sleep(0.05)


@dataclass
class Topics:
    """The topics of one test, by name without the prefix."""

    settings: KafkaSettings
    producer: AIOKafkaProducer = field(repr=False)

    async def create(self, *names: str, partitions: int = 1) -> None:
        """Create topics."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.bootstrap_servers)
        await admin.start()
        await admin.create_topics([NewTopic(self.settings.topic_prefix + name, partitions, 1) for name in names])
        await admin.close()

    async def send(self, *what: Envelope[Event]) -> None:
        """Publish events, signed where only a person may do it; returns when Kafka acknowledges them."""
        for each in what:
            await self.put(each.data.TOPIC, each.data.key.encode(), value(each), sign_event(each), wait=False)
        await self.producer.flush()

    async def put(
        self, topic: str, key: bytes | None, body: bytes | None, marks: Headers = (), *, wait: bool = True
    ) -> None:
        """Publish one raw record."""
        full = self.settings.topic_prefix + topic
        sent = await self.producer.send(full, value=body, key=key, headers=list(marks))
        if wait:
            await sent

    async def raw(self, *names: str) -> list[ConsumerRecord[bytes, bytes]]:
        """All records in the topics now, each partition in order."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.settings.bootstrap_servers, auto_offset_reset="earliest")
        await consumer.start()
        try:
            return [record async for record in _all(consumer, [self.settings.topic_prefix + name for name in names])]
        finally:
            await consumer.stop()

    async def events(self, *names: str) -> list[Envelope[Event]]:
        """All events in the topics now."""
        return [decode(record.headers, record.value) for record in await self.raw(*names)]

    async def committed(self, group: str, name: str) -> int | None:
        """The offset that a group has committed in partition 0 of a topic."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.bootstrap_servers, group_id=group, enable_auto_commit=False
        )
        await consumer.start()
        try:
            partition = TopicPartition(self.settings.topic_prefix + name, 0)
            consumer.assign([partition])
            found: int | None = await consumer.committed(partition)
            return found
        finally:
            await consumer.stop()


async def _all(consumer: AIOKafkaConsumer, topics: Iterable[str]) -> AsyncIterator[ConsumerRecord[bytes, bytes]]:
    await consumer._client.force_metadata_update()
    partitions = [TopicPartition(topic, n) for topic in topics for n in consumer.partitions_for_topic(topic) or [0]]
    consumer.assign(partitions)
    ends = await consumer.end_offsets(partitions)
    for partition in partitions:
        while await consumer.position(partition) < ends[partition]:
            for record in (await consumer.getmany(partition, timeout_ms=200)).get(partition, []):
                yield record


@asynccontextmanager
async def topics_on(broker: Broker, prefix: str, timeout: float = 10.0) -> AsyncIterator[Topics]:
    """Topics under a prefix, with a producer for the test."""
    settings = KafkaSettings(bootstrap_servers=broker.bootstrap_servers, topic_prefix=prefix, send_timeout=timeout)
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers) as producer:
        yield Topics(settings, producer)


@dataclass
class BatchHandler:
    """Handles the batches of a consumer and keeps them."""

    batches: list[list[Record]] = field(default_factory=list)
    failures: int = 0
    """The number of batches that still fail."""

    async def take(self, records: Sequence[Record]) -> None:
        """Handle a batch, or fail."""
        if self.failures:
            self.failures -= 1
            raise OSError("disk full")
        self.batches.append(list(records))

    @property
    def positions(self) -> dict[Partition, Position]:
        """The positions after the handled batches, as a state database stores them."""
        return positions_after(record for batch in self.batches for record in batch)

    @property
    def offsets(self) -> list[int]:
        """The offsets handled so far."""
        return [record.offset for batch in self.batches for record in batch]

    async def wait_for_records(self, count: int) -> None:
        """Wait until so many records were handled."""

        async def there() -> bool:
            return len(self.offsets) >= count

        await eventually(there, f"{count} records, there are {self.offsets}")


@asynccontextmanager
async def run_consumer(
    topics: Topics, handler: BatchHandler, *names: str, group: str = "g", instance: str = "one", max_records: int = 500
) -> AsyncIterator[Consumer]:
    """Run a consumer while the context lasts; it continues at the positions of the handler."""
    settings, group = topics.settings, topics.settings.topic_prefix + group
    consumer = Consumer(settings, names or (STOCK,), group, instance, handler.take, handler.positions, max_records)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()
