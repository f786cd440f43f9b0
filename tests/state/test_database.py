"""The state database is durable, has one writer and a generation, and keeps nothing of a failed transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text

from services.engine.state import tables
from services.engine.state.database import Database, open_database, write_meta
from services.engine.state.files import database_path
from services.engine.state.session import Session
from services.engine.state.store import load, read_kind, save_records
from tests.state.notes import NOTE, NOW, Note


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    found = await open_database(tmp_path, "tests")
    yield found
    await found.close()


async def write_notes(database: Database, **notes: str) -> None:
    """Write notes with the reference r."""
    session = Session(NOW)
    for key, text_ in notes.items():
        session.run(lambda key=key, text_=text_: session.put(NOTE, key, Note(text=text_), "r"))  # type: ignore[misc]
    async with database.write() as connection:
        await save_records(connection, session)


async def test_a_database_keeps_its_generation_and_a_new_one_has_another(tmp_path: Path) -> None:
    first = await open_database(tmp_path, "tests")
    await first.close()
    again = await open_database(tmp_path, "tests")
    await again.close()
    database_path(tmp_path, "tests").unlink()
    new = await open_database(tmp_path, "tests")
    await new.close()
    assert again.generation == first.generation != new.generation


async def test_every_commit_is_synced_to_the_disk(database: Database) -> None:
    async with database.write() as connection:
        pragmas = [await connection.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")]
    assert pragmas == ["wal", 2]


async def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    with pytest.raises(ValueError, match="half way"):
        async with database.write() as connection:
            await connection.execute(insert(tables.meta).values(name="n", value="v"))
            raise ValueError("half way")
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).where(tables.meta.c.name == "n")) == 0


async def test_two_writers_take_turns(database: Database) -> None:
    order: list[str] = []

    async def write(name: str) -> None:
        async with database.write() as connection:
            order.append(f"{name} in")
            await connection.execute(insert(tables.meta).values(name=name, value=""))
            order.append(f"{name} out")

    await asyncio.gather(write("a"), write("b"))
    assert order in (["a in", "a out", "b in", "b out"], ["b in", "b out", "a in", "a out"])


async def test_a_reader_does_not_wait_for_the_writer_and_sees_only_what_is_committed(database: Database) -> None:
    await write_notes(database, a="old")
    async with database.write() as writing:
        await writing.execute(text('UPDATE records SET body = \'{"text": "new"}\''))
        async with database.read() as reading:
            assert await reading.scalar(select(tables.records.c.body)) == '{"text":"old"}'


async def test_records_are_written_replaced_and_dropped(database: Database) -> None:
    await write_notes(database, a="1", b="2")
    session = Session(NOW)
    session.run(lambda: session.put(NOTE, "a", Note(text="3"), "moved"))
    session.run(lambda: session.drop(NOTE, "b"))
    async with database.write() as connection:
        await save_records(connection, session)
    read = Session(NOW)
    async with database.read() as connection:
        await load(connection, read, [("note", "r"), ("note", "moved")], by_ref=True)
        await load(connection, read, [("note", "b")], by_ref=False)
    assert (read.find(NOTE, "r"), read.find(NOTE, "moved")) == ({}, {"a": Note(text="3")})
    assert read.get(NOTE, "b") is None


async def test_more_keys_are_loaded_than_one_statement_takes(database: Database) -> None:
    await write_notes(database, **{f"k{n}": str(n) for n in range(1203)})
    session = Session(NOW)
    async with database.read() as connection:
        await load(connection, session, [("note", f"k{n}") for n in range(1203)], by_ref=False)
    assert [session.get(NOTE, f"k{n}") for n in (0, 600, 1202)] == [Note(text=str(n)) for n in (0, 600, 1202)]


async def test_a_whole_kind_is_read_in_the_order_of_its_keys(database: Database) -> None:
    await write_notes(database, **{f"k{n:04}": str(n) for n in range(2001)})
    keys = [key async for key, _ in read_kind(database, "note")]
    assert keys == sorted(keys)
    assert len(keys) == 2001


async def test_writing_a_named_value_returns_the_previous_one(database: Database) -> None:
    async with database.write() as connection:
        assert [await write_meta(connection, "settings", value) for value in ("a", "b", "b")] == [None, "a", "b"]


async def test_a_cancelled_writer_leaves_nothing_and_blocks_no_other(database: Database) -> None:
    half_way = asyncio.Event()

    async def write() -> None:
        async with database.write() as connection:
            await connection.execute(insert(tables.meta).values(name="n", value="half"))
            half_way.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await half_way.wait()
    task.cancel()
    async with database.write() as connection:
        assert await write_meta(connection, "n", "whole") is None
    assert task.cancelled()
