"""`column IN (names)` with any number of names as one parameter.

A placeholder for each name would be text that is made and parsed anew for each batch, of a length that databases bound.
"""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, String, TypeDecorator, bindparam, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction


def among(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Whether the column holds one of the names that are given under this name."""
    return column.in_(_names(name))


def not_among(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Whether the column holds none of the names that are given under this name."""
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
