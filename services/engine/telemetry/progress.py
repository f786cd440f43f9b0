"""Detects a stalled consumer: a partition with lag in which nothing has been processed for too long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from aiokafka import TopicPartition

from services.engine.kafka.connection import Offsets
from services.engine.kafka.consumer import Consumer


class PartitionProgress(NamedTuple):
    """How far a partition is processed, and where it ends: offsets of the next record."""

    done: int
    end: int

    @property
    def lag(self) -> int:
        """Records that are not processed."""
        return max(0, self.end - self.done)


@dataclass(slots=True)
class StallDetector:
    """Knows when each partition last moved. Times are seconds of a monotonic clock."""

    patience: float
    partitions: Mapping[TopicPartition, PartitionProgress] = field(default_factory=dict)
    _moved: dict[TopicPartition, float] = field(default_factory=dict)

    def update(self, partitions: Mapping[TopicPartition, PartitionProgress], now: float) -> None:
        """Take the present progress into account."""
        idle = {tp: at for tp, at in self._moved.items() if tp in partitions and self._is_idle(tp, partitions[tp])}
        self.partitions, self._moved = dict(partitions), dict.fromkeys(partitions, now) | idle

    def _is_idle(self, partition: TopicPartition, progress: PartitionProgress) -> bool:
        """Whether it has had records to process since the last update, and has processed none."""
        before = self.partitions[partition]
        return before.lag > 0 and progress.lag > 0 and progress.done == before.done

    def restart(self, now: float) -> None:
        """Count from now: while Kafka is down nothing can be processed, so that time does not count."""
        self._moved = dict.fromkeys(self._moved, now)

    def find_stalled(self, now: float) -> dict[TopicPartition, float]:
        """Partitions with lag that have not moved for longer than `patience`, with the seconds."""
        idle = {tp: now - at for tp, at in self._moved.items() if self.partitions[tp].lag}
        return {tp: seconds for tp, seconds in idle.items() if seconds > self.patience}


async def read_progress(consumer: Consumer) -> dict[TopicPartition, PartitionProgress]:
    """The progress of each partition that is assigned to the consumer. Raises `KafkaError`."""
    kafka = consumer.kafka
    assigned = kafka.assignment()
    ends: Offsets = await kafka.end_offsets(assigned) if assigned else {}
    behind = [tp for tp, end in ends.items() if consumer.next_offset(tp) < end]
    starts: Offsets = await kafka.beginning_offsets(behind) if behind else {}
    done = {tp: max(consumer.next_offset(tp), starts.get(tp, 0)) for tp in ends}
    return {tp: PartitionProgress(done[tp], end) for tp, end in ends.items()}
