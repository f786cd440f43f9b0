"""The tables of a state database, the same for every service. They are a cache of the topics and are never migrated.

Increment `files.SCHEMA_VERSION` with every change.
"""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.schema import SchemaItem

metadata = MetaData()

meta = Table("meta", metadata, Column("name", String, primary_key=True), Column("value", Text, nullable=False))

versions = Table(
    "versions",
    metadata,
    Column("topic", String, primary_key=True),
    Column("subject", String, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("stated_at", Float, nullable=False),
    sqlite_with_rowid=False,
)

positions = Table(
    "positions",
    metadata,
    Column("topic", String, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", Integer, nullable=False),
    Column("digest", String, nullable=False),
    sqlite_with_rowid=False,
)

records = Table(
    "records",
    metadata,
    Column("kind", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("ref", String, nullable=False),
    Column("body", Text, nullable=False),
    Index("records_by_ref", "kind", "ref"),
)

subjects = Table(
    "subjects",
    metadata,
    Column("subject", String, primary_key=True),
    Column("dirty", Integer, nullable=False),
    Column("again_at", Float),
    Column("cause", Text),
    sqlite_with_rowid=False,
)
Index("subjects_dirty", subjects.c.dirty, sqlite_where=subjects.c.dirty == 1, postgresql_where=subjects.c.dirty == 1)
Index(
    "subjects_again",
    subjects.c.again_at,
    sqlite_where=subjects.c.again_at.is_not(None),
    postgresql_where=subjects.c.again_at.is_not(None),
)

events = Table(
    "outbox_events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("topic", String, nullable=False),
    Column("key", String, nullable=False),
    Column("headers", LargeBinary, nullable=False),
    Column("value", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

deliveries = Table(
    "outbox_deliveries",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("subject", String, nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("lane", String, nullable=False, index=True),
    Column("key", String, nullable=False),
    Column("payload", Text, nullable=False),
    Column("digest", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("due", Float, nullable=False),
    Column("created", Float, nullable=False),
    Column("blocked_on", String, index=True),
    Column("blocked_reason", String),
    Column("blocked_detail", Text),
    Column("deadline", Float),
    Column("unknowns", Integer, nullable=False),
    Column("attempts", Text, nullable=False),
    Column("cause", Text),
    Index("deliveries_by_lane_key", "lane", "key", "seq"),
    sqlite_autoincrement=True,
)

inbox = Table(
    "inbox",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("shop", String, nullable=False),
    Column("topic", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("traceparent", String, nullable=False),
    sqlite_autoincrement=True,
)


def record_table(name: str, metadata: MetaData, *further: SchemaItem) -> Table:
    """A table for the records of one kind, with further columns and indexes (see `records.Kind`).

    A column holds the attribute of its name: an amount in whole millionths, a moment as a timestamp, anything else as
    it is.
    """
    return Table(
        name,
        metadata,
        Column("key", String, primary_key=True),
        Column("ref", String, nullable=False, index=True),
        Column("body", Text, nullable=False),
        *further,
    )
