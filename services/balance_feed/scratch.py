"""A scratch file for one snapshot: rows arrive in any order and leave sorted and grouped, in constant memory.

Comparing it with the last snapshot is a merge of two sorted streams, in one pass.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from itertools import accumulate, groupby, islice
from operator import itemgetter
from os import pread
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, NamedTuple, Self

import orjson

from contracts.json_text import DEEPEST, TOO_DEEP, to_json
from contracts.model import FINEST

Joined = Callable[[str], str]
"""Returns what the fact of a row takes from elsewhere, by the row's reference to it."""


class StagedRow(NamedTuple):
    """A row for the scratch file: the key it belongs to, and its reference to what is joined into its fact."""

    key: str
    ref: str
    row: dict[str, Any]


class RowGroup(NamedTuple):
    """All rows of one key, and a digest of them and of what is joined into them; the order of rows does not matter.

    Most groups are only compared: `rows` is empty until `ScratchFile.with_rows` has read them.
    """

    key: str
    digest: str
    rows: Sequence[str] = ()


class ScratchFile:
    """A temporary SQLite file, and a file with the rows' bodies; both are deleted when it is closed.

    `salt` (at most 64 bytes) identifies how facts are built from rows: with another salt every digest differs.
    """

    def __init__(self, salt: bytes) -> None:
        self._hash = blake2b(digest_size=12, key=salt)
        self._folder = TemporaryDirectory(prefix="davtari-snapshot-")
        self._bodies = (Path(self._folder.name) / "bodies").open("w+b")
        self._db = sqlite3.connect(Path(self._folder.name) / "rows.sqlite", isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "page_size=32768"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute("BEGIN")
        self._db.execute("CREATE TABLE rows (key TEXT, digest BLOB, ref TEXT, at INTEGER, size INTEGER)")
        self._db.execute("CREATE TABLE missing (key TEXT)")
        self._db.execute("CREATE TABLE differing (key TEXT, digest TEXT)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._db.close()
        self._bodies.close()
        self._folder.cleanup()

    def put(self, rows: Sequence[StagedRow]) -> None:
        """Add rows."""
        bodies = [pack_row(row) for _, _, row in rows]
        starts = accumulate(map(len, bodies), initial=self._bodies.tell())
        entries = [
            (key, blake2b(body, digest_size=16).digest(), ref, at, len(body))
            for (key, ref, _), body, at in zip(rows, bodies, starts, strict=False)
        ]
        self._bodies.writelines(bodies)
        self._db.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", entries)

    def groups(self, joined_text: Joined) -> Iterator[RowGroup]:
        """Yield all groups, sorted by key, without their rows."""
        self._db.execute("CREATE INDEX IF NOT EXISTS sorted ON rows (key, digest, ref)")
        with closing(self._db.execute("SELECT key, digest, ref FROM rows ORDER BY key, digest, ref")) as found:
            for key, rows in groupby(found, key=itemgetter(0)):
                digest = self._hash.copy()
                for _, body, ref in rows:
                    digest.update(b"%b\n%b\n" % (body, joined_text(ref).encode()))
                yield RowGroup(key, digest.hexdigest())

    def with_rows(self, groups: Iterable[RowGroup]) -> Iterator[RowGroup]:
        """Yield the same groups with their rows, sorted."""
        self._bodies.flush()
        for key, digest, _ in groups:
            found = self._db.execute("SELECT size, at FROM rows WHERE key = ?", (key,))
            bodies = [pread(self._bodies.fileno(), size, at) for size, at in found]
            yield RowGroup(key, digest, [body.decode() for body in sorted(bodies)])

    def add_differing(self, groups: Iterable[RowGroup]) -> None:
        """Note groups that differ from the last snapshot."""
        self._db.executemany("INSERT INTO differing VALUES (?, ?)", [(key, digest) for key, digest, _ in groups])

    def differing(self, at_once: int) -> Iterator[list[RowGroup]]:
        """Yield the noted groups, with their rows, in batches."""
        with closing(self._db.execute("SELECT key, digest FROM differing ORDER BY rowid")) as found:
            while rows := list(islice(found, at_once)):
                yield list(self.with_rows(RowGroup(key, digest) for key, digest in rows))

    def add_missing(self, keys: Iterable[str]) -> None:
        """Note keys that the snapshot lacks."""
        self._db.executemany("INSERT INTO missing VALUES (?)", [(key,) for key in keys])

    def missing(self, at_once: int) -> Iterator[list[str]]:
        """Yield the keys that the snapshot lacks, in batches."""
        with closing(self._db.execute("SELECT key FROM missing")) as found:
            while rows := list(islice(found, at_once)):
                yield [key for (key,) in rows]


def pack_row(row: dict[str, Any]) -> bytes:
    """Return a row as JSON with sorted keys; decimal numbers become plain text, as Balance writes them."""
    try:
        return orjson.dumps(row, default=_plain, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer beyond 64 bits, or a value that is nested too deeply
        return to_json(_as_text(row), orjson.OPT_SORT_KEYS)


def _plain(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) and abs(value.adjusted()) <= FINEST else str(value)


def _as_text(value: Any, depth: int = DEEPEST) -> Any:
    if isinstance(value, dict | list) and depth == 0:
        return TOO_DEEP
    if isinstance(value, dict):
        return {name: _as_text(each, depth - 1) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_text(each, depth - 1) for each in value]
    return value if value is None or isinstance(value, bool | str) else _plain(value)


KnownDigest = tuple[str, str]
"""A key and its last digest."""
AT_ONCE = 1000


@dataclass(slots=True)
class Differences:
    """The result of comparing a batch: groups that differ (`new` of them never seen), and keys that are missing."""

    differing: list[RowGroup] = field(default_factory=list)
    new: int = 0
    missing: list[str] = field(default_factory=list)
    unchanged: int = 0

    @property
    def size(self) -> int:
        """The number of differences."""
        return len(self.differing) + len(self.missing)

    def add(self, group: RowGroup | None, known: KnownDigest | None) -> None:
        """Add one key: in the snapshot, known, or both."""
        if group is None:
            self.missing += [known[0]] if known else []
        elif known is not None and known[1] == group.digest:
            self.unchanged += 1
        else:
            self.differing.append(group)
            self.new += known is None


async def compare_groups(
    groups: Iterable[RowGroup], known: AsyncIterator[KnownDigest]
) -> AsyncGenerator[Differences, None]:
    """Compare sorted groups with sorted (key, digest) pairs; yields batches of at most `AT_ONCE` differences."""
    batch = Differences()
    async for group, one in _merge(groups, known):
        batch.add(group, one)
        if batch.size >= AT_ONCE:
            yield batch
            batch = Differences()
    yield batch


async def _merge(
    groups: Iterable[RowGroup], known: AsyncIterator[KnownDigest]
) -> AsyncIterator[tuple[RowGroup | None, KnownDigest | None]]:
    source = iter(groups)
    group = next(source, None)
    async for one in known:
        while group is not None and group.key < one[0]:
            yield group, None
            group = next(source, None)
        if group is not None and group.key == one[0]:
            yield group, one
            group = next(source, None)
        else:
            yield None, one
    while group is not None:
        yield group, None
        group = next(source, None)
