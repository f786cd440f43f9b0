"""How far a running consumer is in each of its partitions, asked of Kafka."""

from __future__ import annotations

from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.shared.messaging.consumer import Consumer
from services.shared.telemetry.progress import Place

Offsets = dict[TopicPartition, int]


class Places:
    """Looks at one consumer. What it has processed is known here; the rest was committed before, and is asked once."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._committed: Offsets = {}

    async def look(self) -> dict[TopicPartition, Place]:
        """The place of each assigned partition. Raises `KafkaError`."""
        kafka = self._consumer.kafka
        assigned = kafka.assignment()
        ends: Offsets = await kafka.end_offsets(assigned) if assigned else {}
        behind = [tp for tp, end in ends.items() if self._done(tp) < end]
        if behind:
            await self._ask(kafka, behind)
        return {tp: Place(self._done(tp), end) for tp, end in ends.items()}

    def _done(self, partition: TopicPartition) -> int:
        return max(self._committed.get(partition, 0), self._consumer.processed.get(partition, 0))

    async def _ask(self, kafka: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> None:
        """What was committed, also by another member of the group; where records are gone, the first that is there."""
        starts: Offsets = await kafka.beginning_offsets(partitions)
        for tp, start in starts.items():
            self._committed[tp] = max(start, await kafka.committed(tp) or 0)
