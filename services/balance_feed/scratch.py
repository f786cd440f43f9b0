"""A scratch file for one snapshot: rows come in any order, leave sorted and grouped; memory stays flat."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from hashlib import blake2b
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, NamedTuple, Self

import orjson

Joined = Callable[[str], str]
"""What a row's fact takes from elsewhere, by the row's reference to it."""


class Staged(NamedTuple):
    """A row on its way into the scratch file: the key it belongs to, and its reference to what is joined into it."""

    key: str
    ref: str
    row: dict[str, Any]


class Group(NamedTuple):
    """All rows of one key, and a digest over them and what is joined into them; the rows' order does not matter."""

    key: str
    digest: str
    rows: list[str]


class Scratch:
    """A throwaway SQLite file: not durable on purpose, gone when closed.

    `salt` (at most 64 bytes) stands for how facts are made of rows: under another one every digest differs.
    """

    def __init__(self, salt: bytes) -> None:
        self._salt = salt
        self._folder = TemporaryDirectory(prefix="davtari-snapshot-")
        self._db = sqlite3.connect(Path(self._folder.name) / "rows.sqlite", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("CREATE TABLE rows (key TEXT NOT NULL, ref TEXT NOT NULL, body TEXT NOT NULL)")
        self._db.execute("CREATE TABLE missing (key TEXT NOT NULL)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._db.close()
        self._folder.cleanup()

    def put(self, rows: Iterable[Staged]) -> None:
        """Add rows."""
        self._insert("INSERT INTO rows VALUES (?, ?, ?)", [(key, ref, packed(row)) for key, ref, row in rows])

    def groups(self, joined: Joined) -> Iterator[Group]:
        """All groups, sorted by key."""
        with closing(self._db.execute("SELECT key, ref, body FROM rows ORDER BY key, body")) as found:
            for key, rows in groupby(found, key=itemgetter(0)):
                held = [(ref, body) for _, ref, body in rows]
                yield Group(key, self._digest([f"{body}\n{joined(ref)}" for ref, body in held]), [b for _, b in held])

    def miss(self, keys: Iterable[str]) -> None:
        """Note keys that the snapshot lacks."""
        self._insert("INSERT INTO missing VALUES (?)", [(key,) for key in keys])

    def missed(self, at_once: int) -> Iterator[list[str]]:
        """The keys that the snapshot lacks, in stretches."""
        with closing(self._db.execute("SELECT key FROM missing")) as found:
            while rows := list(islice(found, at_once)):
                yield [key for (key,) in rows]

    def _insert(self, statement: str, rows: Sequence[tuple[str, ...]]) -> None:
        self._db.execute("BEGIN")
        self._db.executemany(statement, rows)
        self._db.execute("COMMIT")

    def _digest(self, parts: list[str]) -> str:
        return blake2b("\n".join(parts).encode(), digest_size=12, key=self._salt).hexdigest()


def packed(row: dict[str, Any]) -> str:
    """A row as JSON with sorted keys; exact numbers become plain text, as Balance writes them."""
    try:
        return orjson.dumps(row, default=_plain, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:  # an integer beyond 64 bits
        return orjson.dumps(_as_text(row), option=orjson.OPT_SORT_KEYS).decode()


def _plain(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_text(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_text(each) for each in value]
    return value if value is None or isinstance(value, bool | str) else _plain(value)
