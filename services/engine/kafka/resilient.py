"""A consumer that reads on behind records which aiokafka cannot parse: those with a header name that is not UTF-8.

aiokafka raises `UnicodeDecodeError` while it unpacks a batch. What it had unpacked before, also of other partitions, is
lost, and what follows in the same batch cannot be reached. So the partitions are read again from where they were, one
record at a time, and a notice takes the place of what cannot be read: a record without a value, whose header names the
offsets. It is refused like any other record that is not an event, so it becomes a dead letter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from contracts.envelope import UNREADABLE

Records = dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]
WAIT_MS = 1000
"""Milliseconds that one record is waited for."""
MOST = 500
"""Records that are read one at a time before everything is read in batches again."""
ONE_BY_ONE = 1000
"""Offsets behind an unreadable record that are tried one by one; larger batches are searched in growing steps."""


class ResilientConsumer(AIOKafkaConsumer):  # type: ignore[misc]
    """Replaces what cannot be parsed by a notice. It must be read with `getmany`, `getone` or `async for`."""

    def __init__(self, *topics: str, **options: Any) -> None:
        super().__init__(*topics, **options)
        self._after: dict[TopicPartition, int] = {}

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        super().assign(partitions)
        self._after.clear()

    def seek(self, partition: TopicPartition, offset: int) -> None:
        super().seek(partition, offset)
        self._after[partition] = offset

    async def seek_to_beginning(self, *partitions: TopicPartition) -> bool:
        found: bool = await super().seek_to_beginning(*partitions)
        for partition in partitions or self.assignment():
            self._after.pop(partition, None)
        return found

    async def seek_to_end(self, *partitions: TopicPartition) -> bool:
        found: bool = await super().seek_to_end(*partitions)
        for partition in partitions or self.assignment():
            self._after[partition] = await self.position(partition)
        return found

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> Records:
        try:
            found: Records = await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
        except UnicodeDecodeError:
            found = await self._read_one_by_one(partitions, max_records or MOST)
        self._after |= {partition: records[-1].offset + 1 for partition, records in found.items()}
        return found

    async def getone(self, *partitions: TopicPartition) -> ConsumerRecord[bytes, bytes]:
        found: Records = {}
        while not found:
            try:
                record = await super().getone(*partitions)
            except UnicodeDecodeError:
                found = await self._read_one_by_one(partitions, 1)
            else:
                found = {TopicPartition(record.topic, record.partition): [record]}
        [(partition, [record])] = found.items()
        self._after[partition] = record.offset + 1
        return record

    async def _read_one_by_one(self, partitions: Iterable[TopicPartition], most: int) -> Records:
        """Read every partition again from where it was, up to the first record that cannot be parsed."""
        for partition in self.assignment():
            await self._rewind(partition)
        found: Records = {}
        for partition in partitions or self.assignment() - self.paused():
            left = most - sum(map(len, found.values()))
            if records := await self._read_partition(partition, left):
                found[partition] = records
        return found

    async def _rewind(self, partition: TopicPartition) -> None:
        if partition in self._after:
            super().seek(partition, self._after[partition])
        else:
            await super().seek_to_beginning(partition)

    async def _read_partition(self, partition: TopicPartition, most: int) -> list[ConsumerRecord[bytes, bytes]]:
        end = (await self.end_offsets([partition]))[partition]
        records: list[ConsumerRecord[bytes, bytes]] = []
        try:
            while len(records) < most and await self.position(partition) < end:
                found = await super().getmany(partition, timeout_ms=WAIT_MS, max_records=1)
                if not found:
                    break
                records += found[partition]
        except UnicodeDecodeError:
            first = await self.position(partition)
            following = await self._find_readable(partition, first, end)
            super().seek(partition, following)
            records.append(make_notice(partition, first, following - 1))
        return records

    async def _find_readable(self, partition: TopicPartition, unreadable: int, end: int) -> int:
        """The first offset behind the batch of an unreadable one."""
        below, step = unreadable, 1
        while (above := min(below + step, end)) < end and await self._is_unreadable(partition, above):
            below, step = above, step if above - unreadable < ONE_BY_ONE else 2 * step
        while above - below > 1:
            middle = (below + above) // 2
            below, above = (middle, above) if await self._is_unreadable(partition, middle) else (below, middle)
        return above

    async def _is_unreadable(self, partition: TopicPartition, offset: int) -> bool:
        super().seek(partition, offset)
        try:
            while await self.position(partition) == offset:
                await super().getmany(partition, timeout_ms=WAIT_MS, max_records=1)
        except UnicodeDecodeError:
            return True
        return False


def make_notice(partition: TopicPartition, first: int, last: int) -> ConsumerRecord[bytes, bytes]:
    """The record that takes the place of offsets which cannot be read, at the last of them."""
    why = f"the offsets {first} to {last} cannot be read: a header name in them is not UTF-8"
    header = (UNREADABLE, why.encode())
    return ConsumerRecord(partition.topic, partition.partition, last, 0, 0, None, b"", None, -1, 0, (header,))
