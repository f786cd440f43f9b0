"""A state database on a full disk, held by another process, or in a corrupt file."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiosqlite
import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from services.engine.state import database as database_module
from services.engine.state import tables
from services.engine.state.database import Database, open_database, open_when_available, restart_after_outages
from services.engine.state.errors import describe_temporary_failure, is_corrupt
from services.engine.state.files import database_path

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
ROWS = 400


def now() -> datetime:
    return NOW


async def fill(database: Database, rows: int = ROWS) -> None:
    """Write some hundred kilobytes."""
    async with database.write() as connection:
        row = {"topic": "t", "version": 1, "stated_at": 0.0}
        values = [row | {"subject": f"s{n:06}" + "x" * 500} for n in range(rows)]
        await connection.execute(insert(tables.versions).prefix_with("OR REPLACE"), values)


async def count(database: Database) -> int:
    async with database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(tables.versions)) or 0)


def _overwrite(path: Path) -> None:
    body = bytearray(path.read_bytes())
    middle = len(body) // 2 // 4096 * 4096
    body[middle : middle + 8192] = b"\xde" * 8192
    path.write_bytes(body)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: 4096 * 7 + 100])


DAMAGES: dict[str, Callable[[Path], object]] = {
    "bytes were overwritten": _overwrite,
    "it is not a database": lambda path: path.write_bytes(b"not a database at all" * 400),
    "it was cut off": _truncate,
}


def _set_aside(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if ".corrupt-" in path.name and not path.name.endswith(("-wal", "-shm"))]


@pytest.mark.parametrize("how", DAMAGES)
async def test_a_corrupt_database_is_set_aside_and_a_new_one_is_created(
    tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    # given a database with records whose file was damaged
    first = await open_when_available(tmp_path, "tests", now)
    await fill(first)
    await first.close()
    path = database_path(tmp_path, "tests")
    DAMAGES[how](path)
    damaged = path.read_bytes()
    # when the service opens it
    with caplog.at_level(logging.ERROR):
        second = await open_when_available(tmp_path, "tests", now)
    # then it gets a new one, which starts at the beginning of the topics
    assert await count(second) == 0
    assert second.generation != first.generation
    await second.close()
    # and the old one is kept under a dated name, with an error in the log
    (kept,) = _set_aside(tmp_path)
    assert kept.name.endswith(".corrupt-20260302-103000")
    assert kept.read_bytes() == damaged
    (line,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "corrupt" in line.message
    assert str(kept) == vars(line)["file"]
    assert "filled from the topics" in vars(line)["fix"]


async def test_an_intact_database_is_kept(tmp_path: Path) -> None:
    first = await open_when_available(tmp_path, "tests", now)
    await fill(first)
    await first.close()
    second = await open_when_available(tmp_path, "tests", now)
    assert (await count(second), second.generation) == (ROWS, first.generation)
    await second.close()
    assert not _set_aside(tmp_path)


async def test_corruption_that_is_found_later_is_raised_to_the_waiting_task(tmp_path: Path) -> None:
    database = await open_when_available(tmp_path, "tests", now)
    await fill(database)
    async with database.read() as connection:
        await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    waiting = asyncio.create_task(database.wait_for_corruption())
    _overwrite(database_path(tmp_path, "tests"))
    fresh = sqlite3.connect(database_path(tmp_path, "tests"))
    fresh.close()
    with pytest.raises(DBAPIError):
        async with database.read() as connection:
            await connection.execute(text("PRAGMA shrink_memory"))
            await connection.execute(text("SELECT sum(length(subject)) FROM versions"))
    with pytest.raises(DBAPIError) as error:
        await asyncio.wait_for(waiting, 5)
    assert is_corrupt(error.value)
    await database.close()


async def test_opening_waits_for_a_locked_database_and_logs_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(database_module, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(database_module, "BUSY_MS", 100)
    await (await open_database(tmp_path, "tests")).close()
    waits: list[str] = []
    reported = asyncio.Event()

    def waiting(why: str) -> None:
        waits.append(why)
        reported.set()

    # given a database that another process holds
    with sqlite3.connect(database_path(tmp_path, "tests"), isolation_level=None) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with caplog.at_level(logging.WARNING):
            opening_it = asyncio.create_task(open_when_available(tmp_path, "tests", now, waiting))
            await asyncio.wait_for(reported.wait(), 20)
        assert "twice" in waits[0]
        other.execute("COMMIT")
        other.execute("PRAGMA locking_mode=NORMAL")
        other.execute("SELECT count(*) FROM meta").fetchone()
    other.close()
    # then it is opened as soon as it is free
    database = await asyncio.wait_for(opening_it, 20)
    assert waits[-1] == ""
    assert "waiting for the state database" in caplog.messages
    await database.close()


async def test_a_full_disk_is_reported_and_work_continues_when_there_is_space(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await open_when_available(tmp_path, "tests", now)
    # given a database that may not grow, as on a full disk: SQLite answers the same
    async with database.read() as connection:
        pages = int(await connection.scalar(text("PRAGMA page_count")) or 0)
    pragmas = database_module.PRAGMAS
    monkeypatch.setattr(database_module, "PRAGMAS", (*pragmas, f"max_page_count={pages + 2}"))
    await database._engine.dispose()
    caplog.set_level(logging.WARNING)
    with pytest.raises(DBAPIError) as error:
        await fill(database)
    # then the failure states that, and nothing was written
    assert "disk is full" in str(describe_temporary_failure(error.value))
    assert "disk is full" in database.failure
    assert await count(database) == 0
    # and restarted work continues by itself when there is space
    working = asyncio.create_task(restart_after_outages(database, lambda: fill(database)))
    await asyncio.sleep(0.3)
    assert not working.done()
    monkeypatch.setattr(database_module, "PRAGMAS", pragmas)
    await asyncio.wait_for(working, 10)
    assert (await count(database), database.failure) == (ROWS, "")
    assert [m for m in caplog.messages if "state database" in m] == [
        "nothing can be written to the state database: nothing is acknowledged",
        "the state database is written to again",
    ]
    await database.close()


async def test_a_connection_opened_on_a_read_only_disk_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite opens a file that it may not write to read-only, and such a connection stays read-only."""
    read_only = False

    def connect() -> aiosqlite.Connection:
        path = database_path(tmp_path, "tests")
        return aiosqlite.connect(f"file:{path}?mode={'ro' if read_only else 'rwc'}", uri=True)

    create = partial(create_async_engine, async_creator=connect)
    monkeypatch.setattr(database_module, "create_async_engine", create)
    database = await open_when_available(tmp_path, "tests", now)
    # given a disk that is read-only for a while, and no open connection
    read_only = True
    await database._engine.dispose()
    with pytest.raises(DBAPIError):
        await fill(database)
    assert "read-only" in database.failure
    # when it can be written to again
    read_only = False
    await asyncio.wait_for(restart_after_outages(database, lambda: fill(database)), 10)
    # then writing continues without a restart
    assert (await count(database), database.failure) == (ROWS, "")
    await database.close()


async def test_other_failures_are_not_temporary(tmp_path: Path) -> None:
    database = await open_when_available(tmp_path, "tests", now)

    async def wrong() -> None:
        raise ValueError("a rule is wrong")

    with pytest.raises(ValueError, match="rule"):
        await restart_after_outages(database, wrong)
    await database.close()
