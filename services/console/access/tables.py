"""The tables of the access database. They are not a cache: they are backed up with the settings and migrated."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

secrets = Table("secrets", metadata, Column("name", String, primary_key=True), Column("value", String, nullable=False))
"""Keys that sign cookies and forms; made with the database."""

users = Table(
    "users",
    metadata,
    Column("name", String, primary_key=True),
    Column("password", String, nullable=False),
    Column("roles", String, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
)
"""`password` is an argon2 hash; `roles` are names with spaces between them. Times are seconds since 1970."""

sessions = Table(
    "sessions",
    metadata,
    Column("digest", String, primary_key=True),
    Column("user", String, nullable=False, index=True),
    Column("created_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String, primary_key=True),
    Column("digest", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("user", String, nullable=False),
    Column("scopes", String, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("revoked_at", Float),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("user", String, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("result", String, nullable=False),
    Index("audit_by_user", "user", "number"),
    Index("audit_by_subject", "subject", "number"),
    sqlite_autoincrement=True,
)

failures = Table(
    "sign_in_failures",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("source", String, nullable=False),
    Column("at", Float, nullable=False),
    Index("failures_by_source", "source", "at"),
)
"""Sign-ins that failed, by the name and by the address that they came from."""

submissions = Table(
    "submissions",
    metadata,
    Column("id", String, primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("location", String, nullable=False),
)
"""Forms that were carried out, so that a form that is sent twice is carried out once."""

comments = Table(
    "comments",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("subject", String, nullable=False, index=True),
    Column("at", Float, nullable=False),
    Column("user", String, nullable=False),
    Column("text", Text, nullable=False),
)

assignments = Table(
    "assignments",
    metadata,
    Column("subject", String, primary_key=True),
    Column("at", Float, nullable=False),
    Column("user", String, nullable=False),
)
