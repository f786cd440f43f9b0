"""Reading topics record by record, outside any group, from where a person wants it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.cli.events.line import Heard, heard
from services.engine.kafka.connection import admin, reader
from services.engine.outbox.record import Record
from services.settings.model import KafkaSettings

Offsets = Mapping[TopicPartition, int]


class NotThere(Exception):
    """Topics or offsets that Kafka does not have; the message says what to do."""


@asynccontextmanager
async def topics_open(settings: KafkaSettings, names: Sequence[str]) -> AsyncIterator[AIOKafkaConsumer]:
    """A reader of whole topics, each partition at its start. Raises `NotThere` if a topic does not exist."""
    await _must_exist(settings, [settings.topic_prefix + name for name in names])
    consumer = reader(settings, names)
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def _must_exist(settings: KafkaSettings, topics: Sequence[str]) -> None:
    """A consumer of a topic that does not exist would wait for it instead of saying so."""
    async with admin(settings) as asked:
        there = await asked.list_topics()
    if missing := [topic for topic in topics if topic not in there]:
        raise NotThere(f"Kafka has no topic {', '.join(missing)}: davtari topics create; or is topic-prefix wrong?")


async def first_since(consumer: AIOKafkaConsumer, since: datetime | None) -> dict[TopicPartition, int]:
    """The offset of the first record at or after a moment, by partition; the beginning where no moment is given."""
    partitions = consumer.assignment()
    if since is None:
        found: dict[TopicPartition, int] = await consumer.beginning_offsets(partitions)
        return found
    ends = await consumer.end_offsets(partitions)
    at = await consumer.offsets_for_times(dict.fromkeys(partitions, int(since.timestamp() * 1000)))
    return {tp: at[tp].offset if at.get(tp) else ends[tp] for tp in partitions}


def stand_at(consumer: AIOKafkaConsumer, offsets: Offsets) -> None:
    """Read on from these offsets."""
    for partition, offset in offsets.items():
        consumer.seek(partition, offset)


async def must_hold(consumer: AIOKafkaConsumer, offsets: Offsets) -> None:
    """Raises `NotThere` unless the log still holds everything from these offsets on."""
    first, last = await consumer.beginning_offsets(offsets), await consumer.end_offsets(offsets)
    wrong = [tp for tp, offset in offsets.items() if not first[tp] <= offset <= last[tp]]
    if wrong:
        told = ", ".join(f"{tp.topic}/{tp.partition} ({first[tp]} to {last[tp]}, asked {offsets[tp]})" for tp in wrong)
        raise NotThere(f"these offsets are not in the log: {told}. Another cluster, or a topic made anew? Export anew.")


async def batches(consumer: AIOKafkaConsumer, ends: Offsets) -> AsyncIterator[list[ConsumerRecord[bytes, bytes]]]:
    """What stands in the partitions up to these ends, in bounded batches, each partition in order."""
    while left := [tp for tp, end in ends.items() if await consumer.position(tp) < end]:
        found = await consumer.getmany(*left, timeout_ms=500, max_records=2000)
        yield [raw for tp, records in found.items() for raw in records if raw.offset < ends[tp]]


def listened(raw: ConsumerRecord[bytes, bytes], prefix: str) -> Heard:
    """A record as it was read, its topic without the prefix."""
    record = Record(raw.topic, raw.partition, raw.offset, raw.timestamp, raw.key, raw.value, raw.headers)
    return heard(replace(record, topic=record.topic.removeprefix(prefix)))
