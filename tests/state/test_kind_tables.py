"""A kind with a table of its own behaves for rules like any other, and queries filter and sort by its columns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, MetaData, String, func, select

from services.engine.privacy.forgetting import erase_person
from services.engine.state.database import Database, open_database, open_when_available
from services.engine.state.files import database_path, find_set_aside
from services.engine.state.records import Kind
from services.engine.state.session import NotLoaded, Session
from services.engine.state.sql import as_amount
from services.engine.state.store import load, read_kind, save_records
from services.engine.state.tables import record_table
from tests.state.notes import NOW
from tests.state.parcels import PARCEL, Parcel, parcels


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    found = await open_database(tmp_path, "tests", [PARCEL])
    yield found
    await found.close()


async def put(database: Database, *records: Parcel, ref: str = "r") -> None:
    session = Session(NOW)
    for record in records:
        session.run(lambda record=record: session.put(PARCEL, record.label, record, ref))  # type: ignore[misc]
    async with database.write() as connection:
        await save_records(connection, session)


async def rows(database: Database) -> list[Any]:
    async with database.read() as connection:
        return list((await connection.execute(select(parcels).order_by(parcels.c.key))).all())


async def read(database: Database, *labels: str) -> dict[str, Parcel]:
    """Read records as a rule does: it is interrupted, what it missed is loaded, and it runs again."""
    session = Session(NOW)
    with pytest.raises(NotLoaded) as missed:
        session.get_many(PARCEL, labels)
    async with database.read() as connection:
        await load(connection, session, [miss.slot for miss in missed.value.missing], by_ref=False)
    return session.get_many(PARCEL, labels)


async def test_a_record_returns_as_it_was_put_and_its_columns_hold_its_attributes(database: Database) -> None:
    at = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    await put(database, Parcel(label="a", amount=Decimal("12.345678"), sent_at=at, lost=True))
    (row,) = await rows(database)
    assert (row.key, row.ref, row.label, row.amount, row.sent_at, row.lost) == (
        ("a", "r", "a", 12_345_678, at.timestamp(), True)
    )
    assert await read(database, "a", "absent") == {
        "a": Parcel(label="a", amount=Decimal("12.345678"), sent_at=at, lost=True)
    }


async def test_amounts_are_sorted_and_added_exactly(database: Database) -> None:
    await put(
        database,
        *[Parcel(label=label, amount=Decimal(x)) for label, x in (("a", "10"), ("b", "9"), ("c", "0.1"), ("d", "0.2"))],
    )
    async with database.read() as connection:
        order = await connection.scalars(select(parcels.c.label).order_by(parcels.c.amount))
        total = await connection.scalar(select(func.sum(parcels.c.amount)))
        nothing = await connection.scalar(select(func.sum(parcels.c.amount)).where(parcels.c.label == "absent"))
    assert list(order) == ["c", "d", "b", "a"]
    assert (as_amount(total), as_amount(nothing)) == (Decimal("19.3"), Decimal(0))


async def test_a_record_is_replaced_moved_to_another_reference_and_dropped(database: Database) -> None:
    await put(database, Parcel(label="a"), Parcel(label="b"))
    await put(database, Parcel(label="a", lost=True), ref="moved")
    session = Session(NOW)
    session.run(lambda: session.drop(PARCEL, "b"))
    async with database.write() as connection:
        await save_records(connection, session)
    read_again = Session(NOW)
    read_again.note_table(PARCEL)
    async with database.read() as connection:
        await load(connection, read_again, [("parcel", "r"), ("parcel", "moved")], by_ref=True)
    assert read_again.find(PARCEL, "r") == {}
    assert read_again.find(PARCEL, "moved") == {"a": Parcel(label="a", lost=True)}
    assert [key async for key, _ in read_kind(database, PARCEL)] == ["a"]


async def test_a_forgotten_person_is_gone_from_the_body_and_from_the_columns_derived_from_it(
    database: Database,
) -> None:
    await put(
        database,
        Parcel(label="a", person_ref="p1", person={"name": "Nino"}),
        Parcel(label="b", person_ref="p2", person={"name": "Gia"}),
    )
    async with database.write() as connection:
        planned = await erase_person(connection, "p1", [PARCEL], dry_run=True)
    assert (planned.count, [row.name for row in await rows(database)]) == (1, ["Nino", "Gia"])
    async with database.write() as connection:
        erased = await erase_person(connection, "p1", [PARCEL])
    assert erased.count == 1
    assert [(row.key, row.ref, row.name) for row in await rows(database)] == [("a", "r", ""), ("b", "r", "Gia")]
    assert "Nino" not in (await rows(database))[0].body


async def test_a_database_with_other_tables_of_its_own_is_set_aside_and_built_again(tmp_path: Path) -> None:
    first = await open_database(tmp_path, "tests", [PARCEL])
    await put(first, Parcel(label="a"))
    await first.close()
    same = await open_when_available(tmp_path, "tests", lambda: NOW, kinds=[PARCEL])
    await same.close()
    wider = Kind(
        "parcel", Parcel, record_table("parcels", MetaData(), Column("label", String), Column("person_ref", String))
    )
    other = await open_when_available(tmp_path, "tests", lambda: NOW, kinds=[wider])
    assert [key async for key, _ in read_kind(other, wider)] == []
    await put_wider(other, wider)
    await other.close()
    assert same.generation == first.generation != other.generation
    assert len(find_set_aside(tmp_path, "tests", "replaced")) == 1
    assert database_path(tmp_path, "tests").exists()


async def put_wider(database: Database, kind: Kind[Parcel]) -> None:
    session = Session(NOW)
    session.run(lambda: session.put(kind, "a", Parcel(label="a", person_ref="p")))
    async with database.write() as connection:
        await save_records(connection, session)
