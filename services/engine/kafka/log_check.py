"""Detects that the Kafka log is not the one from which a state database was filled.

Kafka may be restored from an older copy, or a topic may be deleted and created again. Then records that were read are
missing, and other records may be at their offsets. aiokafka does not report topic ids, so the log is identified by the
cluster id, by where each partition begins and ends, and by the last record that was read of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.engine.kafka.availability import TopicsMissing
from services.engine.kafka.connection import Offsets, open_admin, open_partition_reader
from services.engine.kafka.record import digest_of_record, from_aiokafka
from services.engine.state.store import Partition, Position
from services.settings.kafka import KafkaSettings

log = logging.getLogger(__name__)
CHECK_INTERVAL = 60.0
"""Seconds between two checks of a log that is in use."""
RECHECK_DELAY = 2.0
"""Seconds until a difference is checked again: rebuilding a state is expensive, and a cluster that moves may report
wrong offsets for a moment."""
CHECK_TIMEOUT = 30.0
"""Seconds that one check may take."""
Positions = Callable[[], Mapping[Partition, Position]]


class LogChanged(Exception):
    """The log is not the one from which the state database was filled; the message states what differs."""


async def read_cluster_id(client: AIOKafkaAdminClient) -> str | None:
    """The id of the cluster; None if the broker does not report it. Raises `KafkaError`."""
    found: str | None = (await client.describe_cluster()).get("cluster_id")
    return found


class LogCheck:
    """Compares the log with what was read of it. `positions` returns how far each partition has been read."""

    def __init__(self, settings: KafkaSettings, positions: Positions, cluster: str | None) -> None:
        self._settings, self._positions, self._cluster = settings, positions, cluster
        self.requested = asyncio.Event()

    async def watch(self) -> None:
        """Check at intervals, and at once when `requested` is set. Raises `LogChanged`; skips while Kafka is away."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_INTERVAL):
                    await self.requested.wait()
            self.requested.clear()
            try:
                await self.check()
            except (KafkaError, OSError, TimeoutError) as error:
                log.info("the log cannot be checked at the moment", extra={"why": repr(error)})

    async def check(self) -> None:
        """Check once. Raises `LogChanged`, `KafkaError` and `TimeoutError`."""
        try:
            await self._check_once()
        except LogChanged as error:
            log.warning("the log seems to have changed; checking again", extra={"why": str(error)})
            await asyncio.sleep(RECHECK_DELAY)
            await self._check_once()

    async def _check_once(self) -> None:
        async with asyncio.timeout(CHECK_TIMEOUT):
            before = {TopicPartition(*partition): position for partition, position in self._positions().items()}
            await self._check_cluster(before)
            if before:
                await self._check_records(before)

    async def _check_cluster(self, before: Collection[TopicPartition]) -> None:
        async with open_admin(self._settings) as client:
            found = await read_cluster_id(client)
            topics = await client.describe_topics(sorted({tp.topic for tp in before})) if before else []
        if None not in (found, self._cluster) and found != self._cluster:
            raise LogChanged(f"this is another cluster: its id is {found} and was {self._cluster}")
        if missing := [one["topic"] for one in topics if not one["partitions"]]:
            raise TopicsMissing(f"Kafka at {self._settings.bootstrap_servers} lists no topic {', '.join(missing)}")
        existing = {TopicPartition(one["topic"], part["partition"]) for one in topics for part in one["partitions"]}
        _raise_first(f"{_name(tp)} is gone, and was read before" for tp in before if tp not in existing)

    async def _check_records(self, before: Mapping[TopicPartition, Position]) -> None:
        async with open_partition_reader(self._settings, before) as consumer:
            ends, starts = await consumer.end_offsets(before), await consumer.beginning_offsets(before)
            _raise_first(_find_shorter(before, ends))
            _raise_first(_find_deleted_unread(self._positions(), starts))
            comparable = {tp: position for tp, position in before.items() if position.next_offset > starts[tp]}
            _raise_first(_find_replaced(comparable, await _read_again(consumer, comparable, ends)))


async def _read_again(
    consumer: AIOKafkaConsumer, comparable: Mapping[TopicPartition, Position], ends: Offsets
) -> dict[TopicPartition, tuple[int, str]]:
    """Offset and digest of the record at the last offset that was read, or of the first one after it."""
    for tp, position in comparable.items():
        consumer.seek(tp, position.next_offset - 1)
    consumer.resume(*comparable)
    found: dict[TopicPartition, tuple[int, str]] = {}
    while left := [tp for tp in comparable if tp not in found and await consumer.position(tp) < ends[tp]]:
        for tp, records in (await consumer.getmany(*left, timeout_ms=200)).items():
            found[tp] = records[0].offset, digest_of_record(from_aiokafka(records[0]))
            consumer.pause(tp)
    return found


def _find_shorter(before: Mapping[TopicPartition, Position], ends: Offsets) -> Iterator[str]:
    for tp, position in before.items():
        if ends[tp] < position.next_offset:
            yield f"{_name(tp)} ends at {ends[tp]}, and was read up to {position.next_offset}"


def _find_deleted_unread(now: Mapping[Partition, Position], starts: Offsets) -> Iterator[str]:
    for tp, start in starts.items():
        if start > (next_offset := now[tp].next_offset):
            yield f"{_name(tp)} begins at {start}, and was read up to {next_offset}: records were deleted unread"


def _find_replaced(
    comparable: Mapping[TopicPartition, Position], found: Mapping[TopicPartition, tuple[int, str]]
) -> Iterator[str]:
    """A record that compaction has removed is no evidence."""
    for tp, (offset, digest) in found.items():
        if offset == comparable[tp].next_offset - 1 and digest != comparable[tp].digest:
            yield f"the record at {_name(tp)}/{offset} is not the one that was read"


def _name(tp: TopicPartition) -> str:
    return f"{tp.topic}/{tp.partition}"


def _raise_first(findings: Iterable[str]) -> None:
    for finding in findings:
        raise LogChanged(finding)
