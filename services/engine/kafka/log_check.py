"""Whether the log is still the one that a state database was filled from.

Kafka may come back from an older copy, or a topic may be deleted and made again. What was read before is missing then,
and other records may stand at its offsets. aiokafka shows no topic ids, so the log is recognized by the id of its
cluster, by where each partition begins and ends, and by the last record that was read of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.engine.kafka.connection import admin, reader
from services.engine.kafka.raw import record_of
from services.engine.kafka.reaching import TopicsMissing
from services.engine.outbox.record import digest_of_record
from services.engine.state.positions import Partition, Position
from services.settings.kafka import KafkaSettings

log = logging.getLogger(__name__)
EVERY = 10.0
"""Seconds between two checks of a log that is in use."""
LOOK_TWICE = 2.0
"""Seconds until a finding is checked again: to build a state anew is work, and a cluster that moves may look odd."""
PATIENCE = 30.0
"""Seconds that one check may take."""
Offsets = dict[TopicPartition, int]
Positions = Callable[[], Mapping[Partition, Position]]


class LogChanged(Exception):
    """The log is not the one that the state database was filled from; the message says what differs."""


async def cluster_id(asked: AIOKafkaAdminClient) -> str | None:
    """The id of the cluster; None where the broker does not tell it. Raises `KafkaError`."""
    found: str | None = (await asked.describe_cluster()).get("cluster_id")
    return found


class LogCheck:
    """Compares the log with what was read of it. `positions` gives how far each partition was read so far."""

    def __init__(self, settings: KafkaSettings, positions: Positions, cluster: str | None) -> None:
        self._settings, self._positions, self._cluster = settings, positions, cluster
        self.doubt = asyncio.Event()

    async def watch(self) -> None:
        """Check again and again, at once when there is `doubt`. Raises `LogChanged`; an absent Kafka is no news."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.doubt.wait(), EVERY)
            self.doubt.clear()
            try:
                await self.look()
            except (KafkaError, OSError, TimeoutError) as error:
                log.info("the log cannot be checked at present", extra={"why": repr(error)})

    async def look(self) -> None:
        """Check once. Raises `LogChanged`, `KafkaError` and `TimeoutError`."""
        try:
            await self._look()
        except LogChanged as error:
            log.warning("the log seems to have changed; looking again", extra={"why": str(error)})
            await asyncio.sleep(LOOK_TWICE)
            await self._look()

    async def _look(self) -> None:
        async with asyncio.timeout(PATIENCE):
            before = {TopicPartition(*where): one for where, one in self._positions().items()}
            await self._same_cluster(before)
            if before:
                await self._same_records(before)

    async def _same_cluster(self, before: Collection[TopicPartition]) -> None:
        async with admin(self._settings) as asked:
            found = await cluster_id(asked)
            topics = await asked.describe_topics(sorted({tp.topic for tp in before})) if before else []
        if None not in (found, self._cluster) and found != self._cluster:
            raise LogChanged(f"this is another cluster: its id is {found} and was {self._cluster}")
        if missing := [one["topic"] for one in topics if not one["partitions"]]:
            raise TopicsMissing(f"Kafka at {self._settings.bootstrap_servers} shows no topic {', '.join(missing)}")
        there = {TopicPartition(one["topic"], part["partition"]) for one in topics for part in one["partitions"]}
        _raise_first(f"{_name(tp)} is gone, and was read before" for tp in before if tp not in there)

    async def _same_records(self, before: Mapping[TopicPartition, Position]) -> None:
        async with _reading(self._settings, before) as consumer:
            ends, starts = await consumer.end_offsets(before), await consumer.beginning_offsets(before)
            _raise_first(_shorter(before, ends))
            _raise_first(_cut(self._positions(), starts))
            there = {tp: one for tp, one in before.items() if one.next_offset > starts[tp]}
            _raise_first(_others(there, await _last_read(consumer, there, ends)))


@asynccontextmanager
async def _reading(settings: KafkaSettings, partitions: Collection[TopicPartition]) -> AsyncIterator[AIOKafkaConsumer]:
    """A reader that fetches nothing yet: asked about topics that it does not know, aiokafka learns of them singly."""
    consumer = reader(settings, ())
    try:
        await consumer.start()
        consumer.assign(list(partitions))
        consumer.pause(*partitions)
        yield consumer
    finally:
        await consumer.stop()


async def _last_read(
    consumer: AIOKafkaConsumer, there: Mapping[TopicPartition, Position], ends: Offsets
) -> dict[TopicPartition, tuple[int, str]]:
    """Offset and digest of the record that stands where the last one was read, or of the first one behind it."""
    for tp, position in there.items():
        consumer.seek(tp, position.next_offset - 1)
    consumer.resume(*there)
    found: dict[TopicPartition, tuple[int, str]] = {}
    while left := [tp for tp in there if tp not in found and await consumer.position(tp) < ends[tp]]:
        for tp, records in (await consumer.getmany(*left, timeout_ms=200)).items():
            found[tp] = records[0].offset, digest_of_record(record_of(records[0]))
            consumer.pause(tp)
    return found


def _shorter(before: Mapping[TopicPartition, Position], ends: Offsets) -> Iterator[str]:
    for tp, position in before.items():
        if ends[tp] < position.next_offset:
            yield f"{_name(tp)} ends at {ends[tp]}, and was read up to {position.next_offset}"


def _cut(now: Mapping[Partition, Position], starts: Offsets) -> Iterator[str]:
    for tp, start in starts.items():
        if start > (next_offset := now[tp].next_offset):
            yield f"{_name(tp)} begins at {start}, and was read up to {next_offset}: records were deleted unread"


def _others(there: Mapping[TopicPartition, Position], found: Mapping[TopicPartition, tuple[int, str]]) -> Iterator[str]:
    """A record that compaction has removed proves nothing."""
    for tp, (offset, digest) in found.items():
        if offset == there[tp].next_offset - 1 and digest != there[tp].digest:
            yield f"the record at {_name(tp)}/{offset} is not the one that was read there"


def _name(tp: TopicPartition) -> str:
    return f"{tp.topic}/{tp.partition}"


def _raise_first(findings: Iterable[str]) -> None:
    for finding in findings:
        raise LogChanged(finding)
