"""aiosqlite with one way to its thread per statement instead of four: making the cursor, executing, fetching, closing.

Each way costs as much as a dozen rows; a small transaction consists of little else.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import aiosqlite

Description = Any
Parameters = Iterable[Any]


def connect(path: Path) -> Connection:
    """A connection to a database file, open once it is awaited. It does not keep the process from ending."""
    connection = Connection(lambda: sqlite3.connect(path), iter_chunk_size=64)
    connection._thread.daemon = True
    return connection


class Connection(aiosqlite.Connection):
    """Gives cursors that cost nothing."""

    def cursor(self) -> Cursor:  # type: ignore[override]
        """A cursor; nothing happens until it executes."""
        return Cursor(self)


class Cursor:
    """What SQLAlchemy's adapter asks of a cursor. The rows are there when `execute` returns."""

    description: Description = None
    rowcount, lastrowid, arraysize = -1, 0, 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Parameters = ()) -> Self:
        """Execute a statement and fetch its rows."""
        return await self._told(_executed, statement, parameters)

    async def executemany(self, statement: str, parameters: Iterable[Parameters]) -> Self:
        """Execute a statement once for each of many parameters."""
        return await self._told(_executed_many, statement, parameters)

    async def _told(self, how: Any, statement: str, parameters: Iterable[Any]) -> Self:
        run: Any = self._connection._execute
        found = await run(how, self._connection._conn, statement, parameters)
        self._rows, self.description, self.rowcount, self.lastrowid = found
        return self

    async def fetchall(self) -> list[Any]:
        """The rows."""
        return self._rows

    async def close(self) -> None:
        """Nothing is held."""


Outcome = tuple[list[Any], Description, int, int | None]


def _executed(connection: sqlite3.Connection, statement: str, parameters: Any) -> Outcome:
    return _outcome(connection.execute(statement, parameters))


def _executed_many(connection: sqlite3.Connection, statement: str, parameters: Any) -> Outcome:
    return _outcome(connection.executemany(statement, parameters))


def _outcome(cursor: sqlite3.Cursor) -> Outcome:
    rows = cursor.fetchall() if cursor.description else []
    found = rows, cursor.description, cursor.rowcount, cursor.lastrowid
    cursor.close()
    return found
