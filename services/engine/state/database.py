"""A service's state database: one SQLite file (WAL, synchronous=FULL), one writer, a generation id."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, event, insert, select, update
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.schema import CreateIndex, CreateTable

from services.engine.clock import Clock
from services.engine.state import tables
from services.engine.state.errors import describe_temporary_failure, is_corrupt
from services.engine.state.files import database_path, find_corruption, find_leftovers_of, set_aside
from services.engine.state.records import Kind

log = logging.getLogger(__name__)
RETRY_SECONDS = 2.0
"""Seconds between two attempts to open a database."""
BUSY_MS = 10_000
"""Milliseconds that a statement waits for another process' lock."""
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "cache_size=-16000", "secure_delete=ON")
"""`secure_delete` wipes what is deleted or overwritten: personal data must not remain in the file."""
TRIAL, TRIAL_SIZE = "trial", 64 * 1024
"""The key and size of the trial write that checks for free space: about as much as a usual transaction needs."""
_INSERT_TRIAL = insert(tables.meta).prefix_with("OR REPLACE").values(name=TRIAL, value="x" * TRIAL_SIZE)
_DELETE_TRIAL = delete(tables.meta).where(tables.meta.c.name == TRIAL)


class OtherTables(Exception):
    """The file was made by another release, with other tables of its own: it is set aside and built again."""


class Database:
    """An open state database. `write()` is one transaction; only one is open at a time.

    The generation id is created with the database, and distinguishes it from one that replaces it.
    """

    def __init__(self, engine: AsyncEngine, generation: str, kinds: Sequence[Kind[Any]] = ()) -> None:
        self._engine, self.generation = engine, generation
        self.kinds = kinds
        """The kinds of records that have a table of their own."""
        self._writing = asyncio.Lock()
        self.failure = ""
        """Why nothing can be written now, and what to do; empty when it can."""
        self._corrupt: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A durable transaction: committed (and synced) when the block ends, rolled back when it raises."""
        try:
            async with self._writing:
                await self._reconnect_after_failure()
                async with self._engine.begin() as connection:
                    yield connection
        except Exception as error:
            self._record_failure(error)
            raise
        self._record_success()

    async def _reconnect_after_failure(self) -> None:
        """A connection that was opened on a read-only disk stays read-only, so each attempt opens a new one."""
        if self.failure:
            await self._engine.dispose()

    def _record_failure(self, error: Exception) -> None:
        if is_corrupt(error) and not self._corrupt.done():
            self._corrupt.set_exception(error)
            self._corrupt.exception()  # marks it as retrieved: nobody may be waiting for it
        if (why := describe_temporary_failure(error)) is not None:
            if not self.failure:
                log.error("nothing can be written to the state database: nothing is acknowledged", extra={"why": why})
            self.failure = why

    def _record_success(self) -> None:
        if self.failure:
            log.warning("the state database is written to again")
            self.failure = ""

    async def wait_until_writable(self, interval: float = 1.0) -> None:
        """Return once a trial write has succeeded. Raises any failure that is not temporary."""
        while True:
            await asyncio.sleep(interval)
            try:
                async with self.write() as connection:
                    await connection.execute(_INSERT_TRIAL)
                async with self.write() as connection:
                    await connection.execute(_DELETE_TRIAL)
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
            self._record_failure(error)
            raise

    async def truncate_log(self) -> None:
        """Write the write-ahead log into the file and empty it: until then it still holds overwritten data.

        Returns when that is done. A reader that began earlier delays it, since it still reads the old pages.
        """
        while not await self._try_truncate_log():
            log.warning("erased data is still in the write-ahead log, because somebody reads the state database")

    async def _try_truncate_log(self) -> bool:
        """Waits up to `BUSY_MS` for the readers."""
        async with self._writing, self._engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            [(busy, _, _)] = await driver.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        return not busy

    def delete_leftovers(self) -> None:
        """Delete the databases that this service no longer reads: they may hold personal data that is erased here."""
        for file in find_leftovers_of(Path(str(self._engine.url.database))):
            log.warning(
                "an older state database was deleted with the data of a forgotten person", extra={"file": file.name}
            )
            file.unlink(missing_ok=True)

    async def wait_for_corruption(self) -> None:
        """Raise the first error of any caller that shows that the file is corrupt; never returns otherwise."""
        await asyncio.shield(self._corrupt)

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


async def open_database(directory: Path, service: str, kinds: Sequence[Kind[Any]] = ()) -> Database:
    """Open the service's database, or create one with a new generation. The file name holds the schema version.

    `kinds`: those with a table of their own. Raises `OtherTables`.
    """
    engine = connect_sqlite(database_path(directory, service))
    try:
        return Database(engine, await _generation(engine, kinds), kinds)
    except BaseException:
        await engine.dispose()
        raise


def connect_sqlite(path: Path) -> AsyncEngine:
    """An engine for a SQLite file: write-ahead log, every commit synced. With the execution option `immediate` a
    transaction takes the write lock when it begins, so what it reads cannot change before it writes."""
    engine = create_async_engine(URL.create("sqlite+aiosqlite", database=str(path)), hide_parameters=True)
    event.listen(engine.sync_engine, "connect", _configure)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _configure(connection: Any, _: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (*PRAGMAS, f"busy_timeout={BUSY_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("immediate") else "BEGIN")


async def _generation(engine: AsyncEngine, kinds: Sequence[Kind[Any]]) -> str:
    async with engine.begin() as connection:
        await connection.run_sync(tables.metadata.create_all)
        await _create_own_tables(connection, kinds)
        found = await read_meta(connection, "generation")
        if found is None:
            found = uuid4().hex[:12]
            await connection.execute(insert(tables.meta).values(name="generation", value=found))
        return found


async def _create_own_tables(connection: AsyncConnection, kinds: Sequence[Kind[Any]]) -> None:
    own = {kind.table.name: kind for kind in kinds if kind.table is not None}
    described = "\n".join(_describe_table(own[name]) for name in sorted(own))
    digest = blake2b(described.encode(), digest_size=8).hexdigest() if own else ""
    is_new = await read_meta(connection, "generation") is None
    if not is_new and (await read_meta(connection, "tables") or "") != digest:
        raise OtherTables("its own tables are those of another release")
    for kind in own.values():
        await connection.run_sync(kind.table.create, checkfirst=True)  # type: ignore[union-attr]
    await write_meta(connection, "tables", digest)


def _describe_table(kind: Kind[Any]) -> str:
    assert kind.table is not None
    indexes = sorted(str(CreateIndex(index)) for index in kind.table.indexes)
    return "\n".join([str(CreateTable(kind.table)), *indexes, *sorted(kind.model.model_fields)])


async def open_when_available(
    directory: Path,
    service: str,
    clock: Clock,
    report_wait: Callable[[str], None] = lambda _: None,
    kinds: Sequence[Kind[Any]] = (),
) -> Database:
    """Open the service's database as soon as that is possible; a corrupt file is set aside and a new one created.

    `report_wait` is called with the reason while it waits, and with "" at the end.
    """
    started = time.monotonic()
    while True:
        try:
            database = await _open_intact(directory, service, clock, kinds)
        except Exception as error:
            if (why := _describe_wait(error, directory)) is None:
                raise
            waited = round(time.monotonic() - started)
            details = {"why": why, "waited": waited, "in_seconds": RETRY_SECONDS, "file": str(directory)}
            log.warning("waiting for the state database", extra=details)
            report_wait(f"its state database in {directory}: {why}")
            await asyncio.sleep(RETRY_SECONDS)
        else:
            report_wait("")
            return database


def _describe_wait(error: Exception, directory: Path) -> str | None:
    if isinstance(error, OSError):
        return f"{error.strerror}: does {directory} exist, and may this user write there?"
    return describe_temporary_failure(error)


async def _open_intact(directory: Path, service: str, clock: Clock, kinds: Sequence[Kind[Any]]) -> Database:
    """Open the database; a corrupt file is set aside first. Raises what `open_database` raises otherwise."""
    path = database_path(directory, service)
    if fault := await asyncio.to_thread(find_corruption, path):
        set_aside(path, "corrupt", fault, clock())
    try:
        return await open_database(directory, service, kinds)
    except OtherTables as error:
        set_aside(path, "replaced", str(error), clock())
        return await open_database(directory, service, kinds)
    except Exception as error:
        if not is_corrupt(error):
            raise
        set_aside(path, "corrupt", str(error), clock())
        return await open_database(directory, service, kinds)


async def restart_after_outages(database: Database, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work`; after a temporary failure of the database wait until it is writable and run `work` again.

    For work that may be interrupted at any point and started again, as a kill does. Raises any other failure.
    """
    while True:
        try:
            return await work()
        except Exception as error:
            if describe_temporary_failure(error) is None:
                raise
            await database.wait_until_writable()


async def write_meta(connection: AsyncConnection, name: str, value: str) -> str | None:
    """Store a named value. Returns the previous one."""
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
