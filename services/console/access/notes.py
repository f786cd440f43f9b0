"""What people note at a dead letter or a group of them: comments, and who takes care of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.access.tables import assignments, comments


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment."""

    at: datetime
    user: str
    text: str


async def add_comment(connection: AsyncConnection, subject: str, user: str, text: str, now: datetime) -> None:
    """Add a comment."""
    await connection.execute(insert(comments).values(subject=subject, at=now.timestamp(), user=user, text=text))


async def list_comments(connection: AsyncConnection, subject: str) -> list[Comment]:
    """The comments, the oldest first."""
    wanted = select(comments).where(comments.c.subject == subject).order_by(comments.c.number)
    return [
        Comment(datetime.fromtimestamp(row.at, UTC), row.user, row.text) for row in await connection.execute(wanted)
    ]


async def assign(connection: AsyncConnection, subject: str, user: str | None, now: datetime) -> None:
    """Note who takes care of it; None when nobody does any more."""
    await connection.execute(delete(assignments).where(assignments.c.subject == subject))
    if user is not None:
        await connection.execute(insert(assignments).values(subject=subject, at=now.timestamp(), user=user))


async def read_assignments(connection: AsyncConnection, subjects: list[str]) -> dict[str, str]:
    """Who takes care of each of these."""
    wanted = select(assignments).where(assignments.c.subject.in_(subjects))
    return {row.subject: row.user for row in await connection.execute(wanted)}
