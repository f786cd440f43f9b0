"""Reads and writes the projection in bulk, within a transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple, TypeVar

from sqlalchemy import Row, bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.state.database import Database
from services.engine.state.session import Session, Slot
from services.engine.state.sql import execute_many, in_names, upsert
from services.engine.state.tables import positions, records, versions

CHUNK = 500
ItemT = TypeVar("ItemT")
Partition = tuple[str, int]
"""(full topic name, number); equal to aiokafka's `TopicPartition`."""


class Position(NamedTuple):
    """How far a partition has been read: the offset to read next, and a digest of the record before it.

    Positions are saved in the transaction of what was read. Kafka's committed offsets only show the lag: a database
    that is older (a copy, a snapshot, a lost write-ahead log) must not skip what it has never read. The digest
    identifies a log that was replaced.
    """

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


class SubjectVersion(NamedTuple):
    """The newest known version of a subject and the time of its event (a timestamp); 0 for an unknown subject."""

    version: int = 0
    stated_at: float = 0.0


def chunks(items: Iterable[ItemT], size: int = CHUNK) -> Iterator[list[ItemT]]:
    """The items in lists of at most `size`."""
    source = iter(items)
    while chunk := list(islice(source, size)):
        yield chunk


_RECORDS = select(records.c.kind, records.c.key, records.c.ref, records.c.body).where(
    records.c.kind == bindparam("kind")
)
_BY_KEY = _RECORDS.where(in_names(records.c.key, "names"))
_BY_REF = _RECORDS.where(in_names(records.c.ref, "names"))
_VERSIONS = select(versions.c.subject, versions.c.version, versions.c.stated_at).where(
    versions.c.topic == bindparam("topic"), in_names(versions.c.subject, "subjects")
)
_DROP = delete(records).where(records.c.kind == bindparam("a_kind"), records.c.key == bindparam("a_key"))


async def load(connection: AsyncConnection, session: Session, slots: Iterable[Slot], *, by_ref: bool) -> None:
    """Load records by (kind, key), or all records by (kind, ref), into the session."""
    wanted, by_kind = list(slots), defaultdict(list)
    for kind, name in wanted:
        by_kind[kind].append(name)
    rows: list[Row[str, str, str, str]] = []
    for kind, names in by_kind.items():
        found = await connection.execute(_BY_REF if by_ref else _BY_KEY, {"kind": kind, "names": names})
        rows += found.all()
    (session.add_references if by_ref else session.add_records)(wanted, rows)


async def load_versions(connection: AsyncConnection, subjects: Iterable[Slot]) -> dict[Slot, SubjectVersion]:
    """The known versions by (topic, subject); unknown subjects are absent."""
    by_topic: dict[str, list[str]] = defaultdict(list)
    for topic, subject in subjects:
        by_topic[topic].append(subject)
    held: dict[Slot, SubjectVersion] = {}
    for topic, names in by_topic.items():
        for subject, *newest in await connection.execute(_VERSIONS, {"topic": topic, "subjects": names}):
            held[topic, subject] = SubjectVersion(*newest)
    return held


async def save_versions(connection: AsyncConnection, changed: dict[Slot, SubjectVersion]) -> None:
    """Write the versions."""
    rows = [
        {"topic": topic, "subject": subject, "version": held.version, "stated_at": held.stated_at}
        for (topic, subject), held in changed.items()
    ]
    await execute_many(connection, upsert(connection, versions, "topic", "subject"), rows)


async def save_records(connection: AsyncConnection, session: Session) -> None:
    """Write the records that the session's rules have put and dropped."""
    kept, dropped = [], []
    for (kind, key), (record, ref) in session.changes.items():
        if record is None:
            dropped.append({"a_kind": kind, "a_key": key})
        else:
            kept.append({"kind": kind, "key": key, "ref": ref, "body": record.model_dump_json()})
    await execute_many(connection, upsert(connection, records, "kind", "key"), kept)
    await execute_many(connection, _DROP, dropped)
    session.changes.clear()


async def read_kind(database: Database, kind: str) -> AsyncIterator[tuple[str, str]]:
    """All records of a kind as (key, body), sorted by key; read in pages of 2000."""
    last = ""
    query = select(records.c.key, records.c.body).where(records.c.kind == kind).order_by(records.c.key).limit(2000)
    while True:
        async with database.read() as connection:
            rows = (await connection.execute(query.where(records.c.key > last))).all()
        for key, body in rows:
            yield key, body
        if len(rows) < 2000:
            return
        last = rows[-1][0]


async def read_refs(database: Database, kind: str) -> list[str]:
    """Every reference of the records of a kind, sorted; answered from the index alone."""
    query = select(records.c.ref).where(records.c.kind == kind, records.c.ref != "").distinct().order_by(records.c.ref)
    async with database.read() as connection:
        return list((await connection.execute(query)).scalars())
