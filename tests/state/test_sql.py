"""Conditions with a list of names of any length."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.dialects import postgresql

from services.engine.state.database import open_database
from services.engine.state.sql import in_names, not_in_names
from services.engine.state.tables import meta

NAMES = ["plain", "it's", 'a "quoted" one', "ქართული", "", "50 % of _", "line\nbreak"]
Condition = Callable[[ColumnElement[str], str], ColumnElement[bool]]
ALL = select(meta.c.name).where(meta.c.value == "listed")


async def test_names_with_any_characters_are_found(tmp_path: Path) -> None:
    database = await open_database(tmp_path, "one")
    async with database.write() as connection:
        await connection.execute(insert(meta), [{"name": name, "value": "listed"} for name in NAMES])
        found = await connection.scalars(ALL.where(in_names(meta.c.name, "names")), {"names": [*NAMES[2:], "another"]})
        left = await connection.scalars(ALL.where(not_in_names(meta.c.name, "names")), {"names": NAMES[2:]})
        assert (set(found), set(left)) == (set(NAMES[2:]), set(NAMES[:2]))
    await database.close()


@pytest.mark.parametrize(("condition", "count"), [(in_names, 0), (not_in_names, 2)])
async def test_an_empty_list_matches_nothing(tmp_path: Path, condition: Condition, count: int) -> None:
    database = await open_database(tmp_path, "one")
    async with database.write() as connection:
        await connection.execute(insert(meta), [{"name": name, "value": "listed"} for name in NAMES[:2]])
        assert len((await connection.scalars(ALL.where(condition(meta.c.name, "names")), {"names": []})).all()) == count
    await database.close()


async def test_more_names_than_a_statement_may_have_parameters(tmp_path: Path) -> None:
    database = await open_database(tmp_path, "one")
    async with database.write() as connection:
        await connection.execute(insert(meta), [{"name": "40000", "value": "listed"}])
        found = await connection.scalars(
            ALL.where(in_names(meta.c.name, "names")), {"names": [str(n) for n in range(50_000)]}
        )
        assert found.all() == ["40000"]
    await database.close()


def test_the_condition_compiles_for_postgresql() -> None:
    text = str(ALL.where(in_names(meta.c.name, "names")).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    assert "IN (SELECT anon_1.value" in text
    assert "jsonb_array_elements_text(CAST(%(names)s" in text
