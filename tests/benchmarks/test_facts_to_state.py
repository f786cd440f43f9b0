"""Facts from Kafka into the state database and the outbox, against bare batches that write the same rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import delete

from contracts.envelope import headers, value, wrap
from services.engine.kafka.connection import create_producer
from services.engine.kafka.consumer import Consumer
from services.engine.kafka.record import Record
from services.engine.outbox.engine import Engine
from services.engine.outbox.handlers import Handlers
from services.engine.state.store import chunks
from services.engine.state.tables import deliveries
from services.settings.model import KafkaSettings
from services.stock_publisher import handlers as stock_publisher
from tests.benchmarks import mirror
from tests.benchmarks.bare_consumer import bare_consumer
from tests.benchmarks.board import Board
from tests.benchmarks.figure import throughput
from tests.benchmarks.given import NOW, link, records, settings, stock
from tests.benchmarks.rounds import by_turns, stopwatch
from tests.benchmarks.size import sized
from tests.benchmarks.spied import Spied, spied
from tests.support.engine_bench import Clock, opened

COUNT, ROUNDS, TOPIC = sized(3000, 500), sized(5, 1), "balance.stock"


@dataclass
class Gate:
    """Holds a consumer's batches back until a round begins, and knows how many records have gone through."""

    engine: Engine
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, batch: Sequence[Record]) -> None:
        """Take a batch once the gate is open."""
        await self.open.wait()
        await self.engine.take(batch)


@dataclass
class Ours:
    """The real consumer and a live engine."""

    consumer: Consumer
    gate: Gate
    seen: Spied = field(default_factory=Spied)

    async def take(self, count: int) -> None:
        """Take so many records."""
        wanted = sum(one.next_offset for one in self.consumer.positions.values()) + count
        with spied(self.gate.engine.database) as seen:
            self.gate.open.set()
            while sum(one.next_offset for one in self.consumer.positions.values()) < wanted:
                self.consumer.progress.clear()
                await self.consumer.progress.wait()
            self.gate.open.clear()
        self.seen = seen


@asynccontextmanager
async def ours(kafka: KafkaSettings, rules: Handlers, folder: Path) -> AsyncIterator[Ours]:
    """Ours over the database of a shop at work: it knows the product of every item, and its stock of yesterday."""
    async with opened("ours", rules, folder, Clock()) as engine:
        for numbers in chunks(range(COUNT * (ROUNDS + 1))):
            await engine.take(records([*map(link, numbers), *map(stock, numbers)]))
        async with engine.database.write() as connection:
            await connection.execute(delete(deliveries))  # as if the shop had taken all of it
        gate = Gate(engine)
        consumer = Consumer(kafka, [TOPIC, "operations"], kafka.topic_prefix + "ours", "ours", gate.take, {})
        await consumer.start()
        await consumer.assignment.complete.wait()
        yield Ours(consumer, gate)
        await consumer.stop()


async def publish(kafka: KafkaSettings, number: int) -> None:
    """New stock of items that no round before was about."""
    sender = create_producer(kafka, "bench")
    await sender.start()
    facts = [wrap(stock(number * COUNT + n, 2), version=2, source="bench", time=NOW) for n in range(COUNT)]
    for fact in facts:
        await sender.send(kafka.topic_prefix + TOPIC, value(fact), fact.data.key.encode(), headers=headers(fact))
    await sender.stop()


async def measured(
    kafkas: tuple[KafkaSettings, KafkaSettings], rules: Handlers, folder: Path, name: str, board: Board
) -> None:
    """Both by turns; the floor writes what ours wrote in the same round."""
    first, second = kafkas
    async with ours(first, rules, folder) as real, bare_consumer(second, TOPIC, folder) as bare:

        async def run_ours(number: int) -> float:
            await publish(first, number)
            async with stopwatch() as watch:
                await real.take(COUNT)
            return watch.seconds

        async def run_floor(number: int) -> float:
            await publish(second, number)
            async with stopwatch() as watch:
                await bare.take(COUNT, real.seen.writes)
            return watch.seconds

        times = await by_turns(run_ours, run_floor, ROUNDS)
    note = f"{real.seen.rows / COUNT:.2f} rows written for each event"
    board.show(throughput(name, "events/s", COUNT, times, None, note))


Kafkas = tuple[KafkaSettings, KafkaSettings]


@pytest.mark.timeout(300)
async def test_facts_become_state_and_deliveries(two_kafkas: Kafkas, tmp_path: Path, board: Board) -> None:
    await measured(two_kafkas, mirror.handlers(), tmp_path, "facts_to_state", board)


@pytest.mark.timeout(300)
async def test_readings_of_stock_become_figures_for_a_shop(two_kafkas: Kafkas, tmp_path: Path, board: Board) -> None:
    rules = stock_publisher.handlers(settings(tmp_path))
    await measured(two_kafkas, rules, tmp_path, "facts_to_state_stock_publisher", board)
