"""A service's state database: one SQLite file (WAL, synchronous=FULL), one writer, a generation id."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, event, insert, select, update
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.engine.state import tables
from services.engine.state.driver import connect
from services.engine.state.errors import describe_temporary_failure, is_corrupt
from services.engine.state.files import database_path

log = logging.getLogger(__name__)
BUSY_MS = 10_000
"""How long a statement waits for another process' lock."""
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "cache_size=-16000", "secure_delete=ON")
"""The last wipes what is deleted or written over, which Debian's SQLite does anyway: personal data must not linger."""
TRIAL, TRIAL_SIZE = "trial", 64 * 1024
"""What is written to see whether there is room: about as much as a usual transaction needs."""
_TRY = insert(tables.meta).prefix_with("OR REPLACE").values(name=TRIAL, value="x" * TRIAL_SIZE)
_TRIED = delete(tables.meta).where(tables.meta.c.name == TRIAL)


class Database:
    """An open state database. `write()` is one transaction; only one is open at a time.

    The generation id is made with the database, and tells it from one that takes its place.
    """

    def __init__(self, engine: AsyncEngine, generation: str) -> None:
        self._engine, self.generation = engine, generation
        self._writing = asyncio.Lock()
        self.failure = ""
        """Why nothing can be written now, and what to do; empty when it can."""
        self._corrupt: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A durable transaction: committed (and synced) when the block ends, rolled back when it raises."""
        try:
            async with self._writing:
                await self._reopened()
                async with self._engine.begin() as connection:
                    yield connection
        except Exception as error:
            self._failed(error)
            raise
        self._went_well()

    async def _reopened(self) -> None:
        """While something is wrong, connect anew each time: what was opened on a read-only disk stays read-only."""
        if self.failure:
            await self._engine.dispose()

    def _failed(self, error: Exception) -> None:
        if is_corrupt(error) and not self._corrupt.done():
            self._corrupt.set_exception(error)
            self._corrupt.exception()  # nobody needs to look: then it is no secret either
        if (why := describe_temporary_failure(error)) is not None:
            if not self.failure:
                log.error("nothing can be written to the state database: nothing is acknowledged", extra={"why": why})
            self.failure = why

    def _went_well(self) -> None:
        if self.failure:
            log.warning("the state database is written to again")
            self.failure = ""

    async def wait_until_writable(self, every: float = 1.0) -> None:
        """Return once something could be written. What this raises is no passing trouble."""
        while True:
            await asyncio.sleep(every)
            try:
                async with self.write() as connection:
                    await connection.execute(_TRY)
                async with self.write() as connection:
                    await connection.execute(_TRIED)
            except Exception as error:
                if describe_temporary_failure(error) is None:
                    raise
            else:
                return

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view that does not wait for the writer."""
        try:
            async with self._engine.connect() as connection:
                yield connection
        except Exception as error:
            self._failed(error)
            raise

    async def truncate_log(self) -> None:
        """Have the write-ahead log written into the file and emptied: it still holds what has been written over."""
        async with self._writing, self._engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")

    async def wait_for_corruption(self) -> None:
        """Raises the first error that says that the file is corrupt, whoever met it; until then this does not end."""
        await asyncio.shield(self._corrupt)

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


async def open_database(directory: Path, service: str) -> Database:
    """Open the service's database, or make a new one with a new generation. The file name holds the schema version."""
    path = database_path(directory, service)
    url = URL.create("sqlite+aiosqlite", database=str(path))
    engine = create_async_engine(url, hide_parameters=True, async_creator=partial(connect, path))
    event.listen(engine.sync_engine, "connect", _configure)
    event.listen(engine.sync_engine, "begin", _begin)
    try:
        return Database(engine, await _generation(engine))
    except BaseException:
        await engine.dispose()
        raise


def _configure(connection: Any, _: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (*PRAGMAS, f"busy_timeout={BUSY_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN")


async def _generation(engine: AsyncEngine) -> str:
    async with engine.begin() as connection:
        await connection.run_sync(tables.metadata.create_all)
        found = await read_meta(connection, "generation")
        if found is None:
            found = uuid4().hex[:12]
            await connection.execute(insert(tables.meta).values(name="generation", value=found))
        return found


async def write_meta(connection: AsyncConnection, name: str, value: str) -> str | None:
    """Keep a named value; gives the one that stood there before."""
    before = await read_meta(connection, name)
    if before is None:
        await connection.execute(insert(tables.meta).values(name=name, value=value))
    elif before != value:
        await connection.execute(update(tables.meta).where(tables.meta.c.name == name).values(value=value))
    return before


async def read_meta(connection: AsyncConnection, name: str) -> str | None:
    """A named value, or None."""
    found: str | None = await connection.scalar(select(tables.meta.c.value).where(tables.meta.c.name == name))
    return found


# Work that outlasts a full disk or a lock: it rests while nothing can be written, and begins again when it can.


async def restart_after_outages(database: Database, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work`; begin it anew each time the database's passing trouble has ended it. Raises whatever else ends it.

    For work that may be broken off at any point and begun again, as all of ours may: that is what a kill does.
    """
    while True:
        try:
            return await work()
        except Exception as error:
            if describe_temporary_failure(error) is None:
                raise
            await database.wait_until_writable()
