"""Sessions of signed-in people. The browser holds a random token; the database holds its digest only."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.access.tables import sessions
from services.console.access.users import ConsoleUser, read_user

NOTED_EVERY = 60.0
"""Seconds after which the last use of a session is noted again: a request does not always write."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lasts, and how long without a request."""

    lifetime: timedelta
    idle: timedelta


def digest_of(token: str) -> str:
    """What is stored of a token. A token is random and long, so a fast digest is enough."""
    return sha256(token.encode()).hexdigest()


async def begin_session(connection: AsyncConnection, name: str, now: datetime) -> str:
    """Begin a session. Returns its token, which is stored nowhere else."""
    token, at = secrets.token_urlsafe(32), now.timestamp()
    await connection.execute(insert(sessions).values(digest=digest_of(token), user=name, created_at=at, seen_at=at))
    return token


async def read_session(
    connection: AsyncConnection, token: str, limits: SessionLimits, now: datetime
) -> ConsoleUser | None:
    """The person of a session; None if it has ended or the person may no longer sign in."""
    found = await connection.scalar(
        select(sessions.c.user).where(
            sessions.c.digest == digest_of(token),
            sessions.c.created_at > (now - limits.lifetime).timestamp(),
            sessions.c.seen_at > (now - limits.idle).timestamp(),
        )
    )
    user = await read_user(connection, found) if found else None
    return user if user and user.active else None


async def is_use_noted(connection: AsyncConnection, token: str, now: datetime) -> bool:
    """Whether the last use of a session was noted a moment ago."""
    seen = await connection.scalar(select(sessions.c.seen_at).where(sessions.c.digest == digest_of(token)))
    return seen is None or seen > now.timestamp() - NOTED_EVERY


async def note_use(connection: AsyncConnection, token: str, now: datetime) -> None:
    """Note that a session is in use."""
    await connection.execute(
        update(sessions).where(sessions.c.digest == digest_of(token)).values(seen_at=now.timestamp())
    )


async def end_session(connection: AsyncConnection, token: str) -> None:
    """End a session."""
    await connection.execute(delete(sessions).where(sessions.c.digest == digest_of(token)))


async def delete_ended(connection: AsyncConnection, limits: SessionLimits, now: datetime) -> None:
    """Delete the sessions that are over."""
    old, idle = (now - limits.lifetime).timestamp(), (now - limits.idle).timestamp()
    await connection.execute(delete(sessions).where(or_(sessions.c.created_at <= old, sessions.c.seen_at <= idle)))
