"""A scratch file for one snapshot: rows come in any order, leave sorted and grouped; memory stays flat."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from hashlib import blake2b
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, NamedTuple, Self

import orjson


class Group(NamedTuple):
    """All rows of one key, and a digest over them that does not depend on their order."""

    key: str
    digest: str
    rows: list[str]


class Scratch:
    """A throwaway SQLite file: not durable on purpose, gone when closed."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="davtari-snapshot-")
        self._db = sqlite3.connect(Path(self._folder.name) / "rows.sqlite", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("CREATE TABLE rows (key TEXT NOT NULL, body TEXT NOT NULL)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._db.close()
        self._folder.cleanup()

    def put(self, rows: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Add rows, each with its key."""
        packed = [(key, orjson.dumps(row, default=str, option=orjson.OPT_SORT_KEYS).decode()) for key, row in rows]
        self._db.execute("BEGIN")
        self._db.executemany("INSERT INTO rows VALUES (?, ?)", packed)
        self._db.execute("COMMIT")

    def groups(self) -> Iterator[Group]:
        """All groups, sorted by key."""
        with closing(self._db.execute("SELECT key, body FROM rows ORDER BY key, body")) as found:
            for key, rows in groupby(found, key=itemgetter(0)):
                bodies = [body for _, body in rows]
                yield Group(key, _digest(bodies), bodies)


def _digest(bodies: list[str]) -> str:
    return blake2b("\n".join(bodies).encode(), digest_size=12).hexdigest()
