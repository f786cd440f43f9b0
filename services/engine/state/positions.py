"""How far each partition of the log has been read, kept in the same transaction as what was read.

Kafka's committed offsets only show the lag: a database that is older than they are (a copy, a snapshot, a lost
write-ahead log) must not skip what it has never seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.state.bulk import execute_many, upsert
from services.engine.state.tables import positions

Partition = tuple[str, int]
"""(full topic name, number); equal to aiokafka's `TopicPartition`."""


class Position(NamedTuple):
    """The offset to read next, and a digest of the record before it, by which a replaced log is recognized."""

    next_offset: int
    digest: str


async def load_positions(connection: AsyncConnection) -> dict[Partition, Position]:
    """Every position that was saved."""
    rows = await connection.execute(select(positions))
    return {(row.topic, row.partition): Position(row.next_offset, row.digest) for row in rows}


async def save_positions(connection: AsyncConnection, reached: Mapping[Partition, Position]) -> None:
    """Save the positions after a batch."""
    rows = [
        {"topic": topic, "partition": number, "next_offset": position.next_offset, "digest": position.digest}
        for (topic, number), position in reached.items()
    ]
    await execute_many(connection, upsert(connection, positions, "topic", "partition"), rows)
