"""From topics to a webhook: one event after the other in each partition, each offset committed after its 2xx."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from .cloud_event import cloud_event

log = logging.getLogger("webhook_bridge")
Deliver = Callable[[dict[str, Any]], Awaitable[None]]
AT_ONCE = 200
"""Records that are taken from Kafka at a time."""


class Bridge(ConsumerRebalanceListener):  # type: ignore[misc]
    """Delivers the chosen event types (all, if none is chosen) at least once.

    A partition that waits for a dead URL is paused, while the consumer goes on polling: it keeps its place in the
    group however long that takes. All events of a key are in one partition, so that their order is kept. A partition
    that another instance takes over is let go at once, before that one begins: what was not committed is its to do.
    """

    def __init__(
        self, consumer: AIOKafkaConsumer, deliver: Deliver, types: Collection[str] = (), at_once: int = AT_ONCE
    ) -> None:
        self._consumer, self._deliver, self._types, self._at_once = consumer, deliver, frozenset(types), at_once
        self._working: dict[TopicPartition, asyncio.Task[None]] = {}

    async def run(self, topics: Sequence[str]) -> None:
        """Deliver until cancelled. Raises what Kafka raises; start again then, nothing is lost."""
        self._consumer.subscribe(topics, listener=self)
        async with asyncio.TaskGroup() as tasks:
            while True:
                found = await self._consumer.getmany(timeout_ms=500, max_records=self._at_once)
                for partition, records in found.items():
                    self._consumer.pause(partition)
                    self._working[partition] = tasks.create_task(self._work(partition, records))

    async def _work(self, partition: TopicPartition, records: Sequence[Any]) -> None:
        for record in records:
            event = self._wanted(record)
            if event is not None:
                await self._deliver(event)
                await self._consumer.commit({partition: record.offset + 1})
        await self._consumer.commit({partition: records[-1].offset + 1})
        del self._working[partition]
        self._consumer.resume(partition)

    def _wanted(self, record: Any) -> dict[str, Any] | None:
        event = cloud_event(record.headers, record.value)
        if event is None:
            log.warning("%s/%s@%s holds no event: left out", record.topic, record.partition, record.offset)
            return None
        return event if not self._types or event["type"] in self._types else None

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Let go of what another instance may get."""
        working = [self._working.pop(partition) for partition in revoked if partition in self._working]
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """What is ours now is read from the last committed offset."""
        log.info("%d partitions are ours", len(assigned))
