"""Reads and writes the projection in bulk, within a transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel
from sqlalchemy import Select, Table, bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.offload import run_by_size
from services.engine.state.database import Database
from services.engine.state.records import Kind
from services.engine.state.session import Session, Slot
from services.engine.state.sql import Values, as_column, execute_many, in_names, upsert
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
RECORD_COLUMNS = frozenset({"key", "ref", "body"})
"""The columns that every table of records has."""


@lru_cache
def _rows_of(table: Table, *, by_ref: bool) -> Select[Any]:
    column = table.c.ref if by_ref else table.c.key
    return select(table.c.key, table.c.ref, table.c.body).where(in_names(column, "names"))


@lru_cache
def _drop_from(table: Table) -> Any:
    return delete(table).where(table.c.key == bindparam("a_key"))


@lru_cache
def _further_columns(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns if column.name not in RECORD_COLUMNS)


def make_row(table: Table, key: str, ref: str, record: BaseModel) -> Values:
    """The row of a record in the table of its kind."""
    further = {name: as_column(getattr(record, name)) for name in _further_columns(table)}
    return {"key": key, "ref": ref, "body": record.model_dump_json(), **further}


async def load(connection: AsyncConnection, session: Session, slots: Iterable[Slot], *, by_ref: bool) -> None:
    """Load records by (kind, key), or all records by (kind, ref), into the session."""
    wanted, by_kind = list(slots), defaultdict(list)
    for kind, name in wanted:
        by_kind[kind].append(name)
    rows: list[tuple[str, str, str, str]] = []
    for kind, names in by_kind.items():
        if (table := session.tables.get(kind)) is not None:
            found = await connection.execute(_rows_of(table, by_ref=by_ref), {"names": names})
            rows += [(kind, key, ref, body) for key, ref, body in found]
        else:
            found = await connection.execute(_BY_REF if by_ref else _BY_KEY, {"kind": kind, "names": names})
            rows += [(kind, key, ref, body) for kind, key, ref, body in found]
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
    kept, dropped, in_tables = await run_by_size(partial(_changed_rows, session), session.size)
    await execute_many(connection, upsert(connection, records, "kind", "key"), kept)
    await execute_many(connection, _DROP, dropped)
    for kind, (put, away) in in_tables.items():
        await execute_many(connection, upsert(connection, session.tables[kind], "key"), put)
        await execute_many(connection, _drop_from(session.tables[kind]), away)
    session.changes.clear()


InTables = dict[str, tuple[list[Values], list[Values]]]
"""For each kind with a table of its own, the rows to write and those to delete."""


def _changed_rows(session: Session) -> tuple[list[Values], list[Values], InTables]:
    """The rows to write, those to delete, and the same for the kinds with a table of their own."""
    kept: list[Values] = []
    dropped: list[Values] = []
    in_tables: InTables = defaultdict(lambda: ([], []))
    for (kind, key), (record, ref) in session.changes.items():
        if (table := session.tables.get(kind)) is not None:
            put, away = in_tables[kind]
            put.append(make_row(table, key, ref, record)) if record is not None else away.append({"a_key": key})
        elif record is None:
            dropped.append({"a_kind": kind, "a_key": key})
        else:
            kept.append({"kind": kind, "key": key, "ref": ref, "body": record.model_dump_json()})
    return kept, dropped, in_tables


async def read_kind(database: Database, kind: str | Kind[Any]) -> AsyncIterator[tuple[str, str]]:
    """All records of a kind as (key, body), sorted by key; read in pages of 2000."""
    last = ""
    table, wanted = _place_of(kind)
    query = select(table.c.key, table.c.body).where(*wanted).order_by(table.c.key).limit(2000)
    while True:
        async with database.read() as connection:
            rows = (await connection.execute(query.where(table.c.key > last))).all()
        for key, body in rows:
            yield key, body
        if len(rows) < 2000:
            return
        last = rows[-1][0]


def _place_of(kind: str | Kind[Any]) -> tuple[Table, list[Any]]:
    """The table that holds a kind, and the condition for its rows there."""
    if isinstance(kind, Kind) and kind.table is not None:
        return kind.table, []
    return records, [records.c.kind == (kind.name if isinstance(kind, Kind) else kind)]


async def read_refs(database: Database, kind: str) -> list[str]:
    """Every reference of the records of a kind, sorted; answered from the index alone."""
    query = select(records.c.ref).where(records.c.kind == kind, records.c.ref != "").distinct().order_by(records.c.ref)
    async with database.read() as connection:
        return list((await connection.execute(query)).scalars())
