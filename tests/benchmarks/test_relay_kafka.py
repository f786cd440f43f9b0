"""The outbox to Kafka, against the same records sent by a bare aiokafka producer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from contracts.envelope import headers, value, wrap
from services.engine.kafka.connection import create_producer
from services.engine.kafka.publisher import Publisher
from services.settings.model import KafkaSettings
from tests.benchmarks.board import Board
from tests.benchmarks.figure import throughput
from tests.benchmarks.given import NOW, stock
from tests.benchmarks.mirror import handlers
from tests.benchmarks.rounds import by_turns, stopwatch
from tests.benchmarks.size import sized
from tests.support.engine_bench import Clock, opened

COUNT, ROUNDS, GOAL = sized(10_000, 1_000), sized(5, 1), 0.5


@asynccontextmanager
async def sender(settings: KafkaSettings) -> AsyncIterator[AIOKafkaProducer]:
    """A producer as the services have one."""
    found = create_producer(settings, "bench")
    await found.start()
    try:
        yield found
    finally:
        await found.stop()


@dataclass
class Floor:
    """The records are ready; they are only sent, all pipelined."""

    producer: AIOKafkaProducer
    prefix: str

    async def __call__(self, number: int) -> float:
        envelopes = [wrap(stock(n, number + 1), version=number + 1, source="bench", time=NOW) for n in range(COUNT)]
        ready = [(self.prefix + e.data.TOPIC, value(e), e.data.key.encode(), headers(e)) for e in envelopes]
        async with stopwatch() as watch:
            sent = [await self.producer.send(topic, v, k, headers=marks) for topic, v, k, marks in ready]
            await asyncio.gather(*sent)
        return watch.seconds


@pytest.mark.timeout(300)
async def test_events_leave_the_outbox(
    two_kafkas: tuple[KafkaSettings, KafkaSettings], tmp_path: Path, board: Board
) -> None:
    ours, floor = two_kafkas
    async with opened("bench", handlers(), tmp_path, Clock()) as engine, sender(ours) as first, sender(floor) as second:
        publisher = Publisher(engine.database, first, ours.topic_prefix, timeout=30.0)

        async def publish(number: int) -> float:
            for start in range(0, COUNT, 1000):
                async with engine.work() as work:
                    await work.announce([(stock(n, number + 1), None) for n in range(start, start + 1000)])
            async with stopwatch() as watch:
                sent = sum([count async for count in _all(publisher)])
            assert sent == COUNT
            return watch.seconds

        times = await by_turns(publish, Floor(second, floor.topic_prefix), ROUNDS)
    board.show(throughput("relay_kafka", "events/s", COUNT, times, GOAL))


async def _all(publisher: Publisher) -> AsyncIterator[int]:
    while count := await publisher.publish_once():
        yield count
