"""The floor under a consumer: bare aiokafka batches, and one durable aiosqlite transaction for each.

It decides nothing and knows nothing of events: it runs the same SQLite statements as ours.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiosqlite
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.engine.kafka.connection import consumer_options
from services.engine.state.files import database_path
from services.settings.model import KafkaSettings
from tests.benchmarks.spied import Statement

AT_ONCE = 500


@dataclass
class BareConsumer:
    """Takes records and executes statements."""

    kafka: AIOKafkaConsumer
    database: aiosqlite.Connection

    async def take(self, count: int, script: Sequence[Statement]) -> None:
        """Take so many records; with each batch execute its share of the script, durably, then commit the offsets."""
        taken, done = 0, 0
        while taken < count:
            batches = (await self.kafka.getmany(timeout_ms=200, max_records=AT_ONCE)).values()
            records = [record for batch in batches for record in batch]
            if records:
                taken += len(records)
                until = round(taken / count * len(script))
                await self._execute(script[done:until])
                done = until
                await self.kafka.commit({TopicPartition(r.topic, r.partition): r.offset + 1 for r in records})

    async def _execute(self, script: Sequence[Statement]) -> None:
        await self.database.execute("BEGIN")
        for text, parameters, many in script:
            if many:
                await self.database.executemany(text, parameters)
            else:
                await self.database.execute_fetchall(text, parameters)
        await self.database.execute("COMMIT")


@asynccontextmanager
async def bare_consumer(settings: KafkaSettings, topic: str, folder: Path) -> AsyncIterator[BareConsumer]:
    """A bare consumer of one topic over a copy of our state database, without an engine."""
    with (
        sqlite3.connect(database_path(folder, "ours")) as ours,
        sqlite3.connect(database_path(folder, "floor")) as copy,
    ):
        ours.backup(copy)
        copy.execute("PRAGMA journal_mode=WAL")
    kafka = AIOKafkaConsumer(
        settings.topic_prefix + topic,
        bootstrap_servers=settings.bootstrap_servers,
        group_id=settings.topic_prefix + "floor",
        enable_auto_commit=False,
        **(consumer_options() | {"auto_offset_reset": "earliest"}),
    )
    await kafka.start()
    async with aiosqlite.connect(database_path(folder, "floor"), isolation_level=None) as database:
        for pragma in ("synchronous=FULL", "cache_size=-16000"):
            await database.execute(f"PRAGMA {pragma}")
        yield BareConsumer(kafka, database)
    await kafka.stop()
