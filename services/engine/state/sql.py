"""SQL that every module of the state uses: upserts, one statement for many rows, and `IN` with a list of any length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, String, Table, TypeDecorator, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction


def in_names(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """The condition that the column is one of the names in the parameter `name`, a list of any length.

    The list is one JSON parameter: a placeholder for each name would have to be parsed again for each length, and
    databases limit their number.
    """
    return column.in_(_names(name))


def not_in_names(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """The condition that the column is none of the names in the parameter `name`."""
    return column.not_in(_names(name))


def _names(name: str) -> Select[Any]:
    return select(_Each(bindparam(name, type_=_Names)).table_valued("value").c.value)


class _Names(TypeDecorator[list[str]]):
    """Names as a JSON array."""

    impl, cache_ok = String, True

    def process_bind_param(self, value: list[str] | None, dialect: Any) -> str:
        return orjson.dumps(value or []).decode()


class _Each(GenericFunction[Any]):
    """One row for each element of a JSON array of texts, in a column `value`."""

    inherit_cache = True
    name = "json_each"


@compiles(_Each, "postgresql")
def _in_postgresql(each: _Each, compiler: SQLCompiler, **more: Any) -> str:
    return f"jsonb_array_elements_text(CAST({compiler.process(each.clauses, **more)} AS jsonb))"


Values = dict[str, Any]
MILLION = Decimal(1_000_000)


def as_column(value: Any) -> Any:
    """A value as a column holds it: amounts are whole millionths, which every database sorts and adds exactly."""
    if isinstance(value, Decimal):
        return round(value * MILLION)
    return value.timestamp() if isinstance(value, datetime) else value


def as_amount(millionths: int | None) -> Decimal:
    """The amount in a column, or the sum of a column; 0 for the sum of no rows."""
    return Decimal(millionths or 0) / MILLION


async def execute_many(connection: AsyncConnection, statement: Any, rows: Sequence[Values]) -> None:
    """Execute a statement for all rows, which have the same names; does nothing without rows.

    The statement is compiled once: SQLAlchemy's own handling of each row takes as long as SQLite's writing. Keep the
    statement in a constant, because the cache is keyed by it.
    """
    if rows:
        sql, values_of = _compiled(statement, connection.dialect, tuple(rows[0]))
        await connection.exec_driver_sql(sql, [values_of(row) for row in rows])


@lru_cache(maxsize=256)
def _compiled(statement: Any, dialect: Dialect, names: tuple[str, ...]) -> tuple[str, Callable[[Values], Any]]:
    compiled = statement.compile(dialect=dialect, column_keys=names)
    wanted, fixed = compiled.positiontup, compiled.params
    if len(wanted) > 1 and set(wanted) <= set(names):
        return str(compiled), itemgetter(*wanted)
    return str(compiled), lambda row: tuple(row.get(name, fixed[name]) for name in wanted)


def upsert(connection: AsyncConnection, table: Table, *keys: str) -> Any:
    """INSERT … ON CONFLICT DO UPDATE of all other columns, in the dialect of the connection."""
    return _upsert(connection.dialect.name, table, keys)


@lru_cache(maxsize=128)
def _upsert(dialect: str, table: Table, keys: tuple[str, ...]) -> Any:
    statement = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table).inline()
    columns = [column.name for column in table.columns if column.name not in keys]
    return statement.on_conflict_do_update(
        index_elements=list(keys), set_={name: statement.excluded[name] for name in columns}
    )
