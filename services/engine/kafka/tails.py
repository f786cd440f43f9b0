"""Where the last record of a partition stands. An end offset may lie further: the markers of a foreign transaction take
offsets too, and no consumer is ever handed one, so whoever waits for the end offset may wait for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.engine.kafka.connection import reader
from services.settings.kafka import KafkaSettings

Offsets = dict[TopicPartition, int]


async def tails(settings: KafkaSettings, partitions: Collection[TopicPartition]) -> Offsets:
    """The offset behind the last record of each partition as it stands now; 0 where there is none."""
    async with _knowing(settings, partitions) as consumer:
        starts, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        return dict.fromkeys(partitions, 0) | await _tails(consumer, starts, ends)


async def end_offsets(settings: KafkaSettings, partitions: Collection[TopicPartition]) -> Offsets:
    """The end offset of each partition."""
    if not partitions:
        return {}
    async with _knowing(settings, partitions) as consumer:
        found: Offsets = await consumer.end_offsets(partitions)
        return found


@asynccontextmanager
async def _knowing(settings: KafkaSettings, partitions: Collection[TopicPartition]) -> AsyncIterator[AIOKafkaConsumer]:
    """A reader that fetches nothing yet. Asked for offsets of topics that it does not know, aiokafka would find out
    about them one by one, and wait each time."""
    consumer = reader(settings, ())
    try:
        await consumer.start()
        consumer.assign(list(partitions))
        consumer.pause(*partitions)
        yield consumer
    finally:
        await consumer.stop()


async def _tails(consumer: AIOKafkaConsumer, starts: Offsets, ends: Offsets) -> Offsets:
    """Look at the last offset, and further back where nothing is found."""
    found: Offsets = {}
    left, back = {tp for tp in ends if ends[tp] > starts[tp]}, 1
    while left:
        found |= await _behind_last(consumer, {tp: max(starts[tp], ends[tp] - back) for tp in left}, ends)
        left = {tp for tp in left if tp not in found and ends[tp] - back > starts[tp]}
        back *= 8
    return found


async def _behind_last(consumer: AIOKafkaConsumer, begin: Offsets, ends: Mapping[TopicPartition, int]) -> Offsets:
    found: Offsets = {}
    consumer.assign(list(begin))
    for tp, offset in begin.items():
        consumer.seek(tp, offset)
    while left := [tp for tp in begin if await consumer.position(tp) < ends[tp]]:
        for tp, records in (await consumer.getmany(*left, timeout_ms=200)).items():
            found[tp] = records[-1].offset + 1
    return found
