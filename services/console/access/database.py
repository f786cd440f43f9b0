"""The access database: one SQLite file of mode 0600 in the state directory."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.console.access import tables
from services.engine.state.database import connect_sqlite

FILE = "console-access.db"
SIGNING = "signing"


class AccessDatabase:
    """An open access database. `signing_key` signs cookies and forms; whoever deletes the file ends every session."""

    def __init__(self, engine: AsyncEngine, signing_key: str) -> None:
        self._engine, self.signing_key = engine, signing_key
        self._writer = engine.execution_options(immediate=True)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A durable transaction: committed when the block ends, rolled back when it raises."""
        async with self._writer.begin() as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view."""
        async with self._engine.connect() as connection:
            yield connection


@asynccontextmanager
async def open_access(directory: Path) -> AsyncIterator[AccessDatabase]:
    """Open the access database of a state directory; it is created if it is missing. Raises `OSError`."""
    engine = connect_sqlite(await asyncio.to_thread(_create_file, directory))
    try:
        yield AccessDatabase(engine, await _prepare(engine))
    finally:
        await engine.dispose()


def _create_file(directory: Path) -> Path:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / FILE
    path.touch(mode=0o600)
    return path


async def _prepare(engine: AsyncEngine) -> str:
    """Create what is missing. Returns the signing key."""
    async with engine.execution_options(immediate=True).begin() as connection:
        await connection.run_sync(tables.metadata.create_all)
        found = await connection.scalar(select(tables.secrets.c.value).where(tables.secrets.c.name == SIGNING))
        if found is None:
            found = secrets.token_urlsafe(32)
            await connection.execute(insert(tables.secrets).values(name=SIGNING, value=found))
        return str(found)
