"""The audit log: who did what, when, why, and with which result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.access.tables import audit


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that somebody did."""

    number: int
    at: datetime
    user: str
    action: str
    subject: str
    reason: str
    result: str


async def write_audit(
    connection: AsyncConnection, now: datetime, user: str, action: str, subject: str, reason: str = "", *, result: str
) -> None:
    """Add an entry in the transaction of what it reports."""
    await connection.execute(
        insert(audit).values(
            at=now.timestamp(), user=user, action=action, subject=subject, reason=reason, result=result
        )
    )


async def list_audit(
    connection: AsyncConnection, before: int | None = None, user: str = "", limit: int = 50
) -> list[AuditEntry]:
    """The newest entries first; `before` is the number of the last one on the page before."""
    wanted = select(audit).order_by(audit.c.number.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(audit.c.number < before)
    if user:
        wanted = wanted.where(audit.c.user == user)
    return [
        AuditEntry(row.number, datetime.fromtimestamp(row.at, UTC), *row[2:])
        for row in await connection.execute(wanted)
    ]
