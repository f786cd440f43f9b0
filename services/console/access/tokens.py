"""API tokens: named, scoped, expiring, shown once and stored as a digest."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.access.sessions import digest_of
from services.console.access.tables import tokens
from services.console.access.users import ConsoleUser, read_user

PREFIX = "davtari_"
"""What a token begins with, so that people and scanners recognise one that has been published by mistake."""


class Scope(StrEnum):
    """What a token allows, within the roles of the person that it belongs to."""

    READ = "read"
    PEOPLE = "people"
    COMMANDS = "commands"


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What is known of a token; the token itself is shown once, when it is made."""

    id: str
    name: str
    user: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    def is_valid(self, now: datetime) -> bool:
        """Whether it can be used."""
        return self.revoked_at is None and now < self.expires_at


async def make_token(
    connection: AsyncConnection, user: str, name: str, scopes: Iterable[Scope], days: int, now: datetime
) -> tuple[ApiToken, str]:
    """Make a token that is valid for so many days. Returns what is known of it, and the token itself."""
    token = PREFIX + secrets.token_urlsafe(32)
    made = ApiToken(secrets.token_hex(4), name, user, tuple(scopes), now, now + timedelta(days=days), None)
    await connection.execute(
        insert(tokens).values(
            id=made.id,
            digest=digest_of(token),
            name=name,
            user=user,
            scopes=" ".join(made.scopes),
            created_at=now.timestamp(),
            expires_at=made.expires_at.timestamp(),
        )
    )
    return made, token


async def read_token(connection: AsyncConnection, token: str, now: datetime) -> tuple[ApiToken, ConsoleUser] | None:
    """A token that is valid, with its person; None if it is unknown, expired or revoked, or the person is inactive."""
    row = (await connection.execute(select(tokens).where(tokens.c.digest == digest_of(token)))).one_or_none()
    found = _from_row(row) if row else None
    if found is None or not found.is_valid(now):
        return None
    user = await read_user(connection, found.user)
    return (found, user) if user and user.active else None


async def list_tokens(connection: AsyncConnection) -> list[ApiToken]:
    """Every token, the newest first."""
    return [_from_row(row) for row in await connection.execute(select(tokens).order_by(tokens.c.created_at.desc()))]


async def revoke_token(connection: AsyncConnection, id_: str, now: datetime) -> bool:
    """Revoke a token. Returns whether it was valid until now."""
    wanted = update(tokens).where(tokens.c.id == id_, tokens.c.revoked_at.is_(None))
    return bool((await connection.execute(wanted.values(revoked_at=now.timestamp()))).rowcount)


def _from_row(row: Row[tuple[str, ...]]) -> ApiToken:
    return ApiToken(
        row.id,
        row.name,
        row.user,
        tuple(Scope(scope) for scope in row.scopes.split()),
        _time(row.created_at),
        _time(row.expires_at),
        None if row.revoked_at is None else _time(row.revoked_at),
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
