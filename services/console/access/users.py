"""The people who may sign in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.access.roles import ConsoleRole, Permission, permissions_of
from services.console.access.tables import sessions, users

NAME = re.compile(r"[a-z0-9ა-ჰ][a-z0-9ა-ჰ._@-]{1,62}[a-z0-9ა-ჰ]")
"""Georgian or Latin letters, digits and separators: no name looks like another one or hides a character."""


class UserRefused(Exception):
    """A person cannot be added or changed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class ConsoleUser:
    """A person who may sign in."""

    name: str
    roles: tuple[ConsoleRole, ...]
    active: bool
    created_at: datetime

    def may(self, permission: Permission) -> bool:
        """Whether one of the roles allows it."""
        return permission in permissions_of(self.roles)


def normalize_name(text: str) -> str:
    """A name as it is stored. Raises `UserRefused` for one that cannot be a name."""
    name = text.strip().lower()
    if not NAME.fullmatch(name):
        raise UserRefused(
            f"{text!r} cannot be a name: use 3 to 64 Latin or Georgian letters, digits, dots, hyphens or @"
        )
    return name


async def add_user(
    connection: AsyncConnection, name: str, password: str, roles: Iterable[ConsoleRole], now: datetime
) -> ConsoleUser:
    """Add a person; `password` is a hash. Raises `UserRefused` if the name is taken or there is no role."""
    if await read_user(connection, name) is not None:
        raise UserRefused(f"{name} exists already; change it with: davtari console user roles {name}")
    made = ConsoleUser(name, _require_roles(roles), active=True, created_at=now)
    await connection.execute(
        insert(users).values(
            name=name, password=password, roles=_join(made.roles), active=True, created_at=now.timestamp()
        )
    )
    return made


async def read_user(connection: AsyncConnection, name: str) -> ConsoleUser | None:
    """A person by name."""
    row = (await connection.execute(select(users).where(users.c.name == name))).one_or_none()
    return _from_row(row) if row else None


async def read_password(connection: AsyncConnection, name: str) -> str | None:
    """The stored hash of an active person's password."""
    found: str | None = await connection.scalar(
        select(users.c.password).where(users.c.name == name, users.c.active.is_(True))
    )
    return found


async def list_users(connection: AsyncConnection) -> list[ConsoleUser]:
    """Everybody, by name."""
    return [_from_row(row) for row in await connection.execute(select(users).order_by(users.c.name))]


async def set_roles(connection: AsyncConnection, name: str, roles: Iterable[ConsoleRole]) -> None:
    """Replace the roles of a person. Raises `UserRefused` when nobody would be left to administer the console."""
    given = _require_roles(roles)
    await _require_other_admin(connection, name, keeps=ConsoleRole.ADMIN in given)
    await connection.execute(update(users).where(users.c.name == name).values(roles=_join(given)))


async def set_active(connection: AsyncConnection, name: str, *, active: bool) -> None:
    """Let a person sign in, or end their sessions and refuse them. Raises `UserRefused` for the last administrator."""
    await _require_other_admin(connection, name, keeps=active)
    await connection.execute(update(users).where(users.c.name == name).values(active=active))
    if not active:
        await _end_sessions(connection, name)


async def set_password(connection: AsyncConnection, name: str, password: str) -> None:
    """Replace a person's password by another hash; every session of theirs ends."""
    await connection.execute(update(users).where(users.c.name == name).values(password=password))
    await _end_sessions(connection, name)


async def _end_sessions(connection: AsyncConnection, name: str) -> None:
    await connection.execute(delete(sessions).where(sessions.c.user == name))


async def _require_other_admin(connection: AsyncConnection, name: str, *, keeps: bool) -> None:
    admins = [one.name for one in await list_users(connection) if one.active and ConsoleRole.ADMIN in one.roles]
    if not keeps and admins == [name]:
        raise UserRefused(f"{name} is the last administrator; make another person one first")


def _require_roles(roles: Iterable[ConsoleRole]) -> tuple[ConsoleRole, ...]:
    given = set(roles)
    if not given:
        raise UserRefused(f"choose at least one role: {', '.join(ConsoleRole)}")
    return tuple(role for role in ConsoleRole if role in given)


def _join(roles: Iterable[ConsoleRole]) -> str:
    return " ".join(roles)


def _from_row(row: Row[tuple[str, str, str, bool, float]]) -> ConsoleUser:
    roles = tuple(ConsoleRole(name) for name in row.roles.split() if name in set(ConsoleRole))
    return ConsoleUser(row.name, roles, row.active, datetime.fromtimestamp(row.created_at, UTC))
