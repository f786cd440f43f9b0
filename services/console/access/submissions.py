"""Forms that are sent twice (a double click, a reload) are carried out once."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.access.tables import submissions

KEPT = timedelta(days=2)
"""Longer than any session, so longer than any form."""


async def find_submission(connection: AsyncConnection, id_: str) -> str | None:
    """Where the first submission of a form led; None if it was not submitted yet."""
    found: str | None = await connection.scalar(select(submissions.c.location).where(submissions.c.id == id_))
    return found


async def remember_submission(connection: AsyncConnection, id_: str, location: str, now: datetime) -> None:
    """Remember a submission in the transaction of what it does. Raises `IntegrityError` if it was remembered before."""
    await connection.execute(delete(submissions).where(submissions.c.at < (now - KEPT).timestamp()))
    await connection.execute(insert(submissions).values(id=id_, at=now.timestamp(), location=location))
