"""Sign-in by name and password, limited for each name and each address."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.access.audit import write_audit
from services.console.access.database import AccessDatabase
from services.console.access.passwords import Passwords
from services.console.access.sessions import begin_session
from services.console.access.tables import failures
from services.console.access.users import UserRefused, normalize_name, read_password

WINDOW = 60.0
"""Seconds in which failures are counted."""
MOST_BY_NAME, MOST_BY_ADDRESS = 5, 20
KEPT = 86_400.0


class TooManyAttempts(Exception):
    """Too many sign-ins have failed; `seconds` says when the next one is possible."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many sign-ins have failed; the next one is possible in {seconds} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class SignIn:
    """Signs people in. Attempts are taken one after the other, so that many at once cannot pass the limit."""

    database: AccessDatabase
    passwords: Passwords
    turn: asyncio.Lock

    async def attempt(self, name: str, password: str, address: str, now: datetime) -> str | None:
        """The token of a new session; None if name or password is wrong. Raises `TooManyAttempts`."""
        name = _as_stored(name)
        async with self.turn:
            async with self.database.read() as connection:
                await _require_attempts_left(connection, _sources(name, address), now)
                stored = await read_password(connection, name)
            accepted = await self.passwords.matches(stored, password)
            async with self.database.write() as connection:
                return await _settle(connection, name, address, now, accepted=accepted)


def _as_stored(name: str) -> str:
    try:
        return normalize_name(name)
    except UserRefused:
        return ""


def _sources(name: str, address: str) -> dict[str, int]:
    return {f"name:{name}": MOST_BY_NAME, f"address:{address}": MOST_BY_ADDRESS}


async def _require_attempts_left(connection: AsyncConnection, sources: dict[str, int], now: datetime) -> None:
    since = now.timestamp() - WINDOW
    for source, most in sources.items():
        recent = select(func.count(), func.min(failures.c.at)).where(failures.c.source == source, failures.c.at > since)
        count, oldest = (await connection.execute(recent)).one()
        if count >= most:
            raise TooManyAttempts(max(1, round(oldest - since)))


async def _settle(connection: AsyncConnection, name: str, address: str, now: datetime, *, accepted: bool) -> str | None:
    if accepted:
        await connection.execute(delete(failures).where(failures.c.source == f"name:{name}"))
        await write_audit(connection, now, name, "sign-in", name, result="done")
        return await begin_session(connection, name, now)
    for source in _sources(name, address):
        await connection.execute(insert(failures).values(source=source, at=now.timestamp()))
    await connection.execute(delete(failures).where(failures.c.at < now.timestamp() - KEPT))
    await write_audit(connection, now, name or "?", "sign-in", address, result="refused")
    return None
