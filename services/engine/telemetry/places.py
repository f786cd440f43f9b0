"""How far a running consumer is in each of its partitions, asked of Kafka."""

from __future__ import annotations

from aiokafka import TopicPartition

from services.engine.kafka.consumer import Consumer
from services.engine.telemetry.progress import Place

Offsets = dict[TopicPartition, int]


class Places:
    """Looks at one consumer. What it has processed is known here."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    async def look(self) -> dict[TopicPartition, Place]:
        """The place of each assigned partition. Raises `KafkaError`."""
        kafka = self._consumer.kafka
        assigned = kafka.assignment()
        ends: Offsets = await kafka.end_offsets(assigned) if assigned else {}
        behind = [tp for tp, end in ends.items() if self._consumer.next_offset(tp) < end]
        starts: Offsets = await kafka.beginning_offsets(behind) if behind else {}
        return {tp: Place(max(self._consumer.next_offset(tp), starts.get(tp, 0)), end) for tp, end in ends.items()}
