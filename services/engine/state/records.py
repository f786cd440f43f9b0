"""The state database as rules see it: typed records by kind and key, within one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel
from sqlalchemy import Table

RecordT = TypeVar("RecordT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Kind(Generic[RecordT]):
    """A kind of record in the projection, e.g. `ITEM = Kind("item", ItemChanged)`.

    With a `table` (made by `tables.record_table`) each record is a row of that table, whose further columns have the
    names of attributes of the model: queries filter and sort by them. Rules do not see the difference.
    """

    name: str
    model: type[RecordT]
    table: Table | None = field(default=None, compare=False)


class State(Protocol):
    """The projection, as one transaction sees it. Nothing here awaits; what is put is seen by later reads.

    A read of what is not in memory yet interrupts the rule, which the engine runs again with it loaded
    (see `session.py`). Read many records at once with `get_many` and `find_many`, not in a loop.
    """

    @property
    def now(self) -> datetime:
        """The moment of this transaction, in UTC."""

    def get(self, kind: Kind[RecordT], key: str) -> RecordT | None:
        """The record, or None."""

    def get_many(self, kind: Kind[RecordT], keys: Iterable[str]) -> dict[str, RecordT]:
        """The records of these keys; what does not exist is absent."""

    def find(self, kind: Kind[RecordT], ref: str) -> dict[str, RecordT]:
        """All records of a kind that were put with this `ref`, by key."""

    def find_many(self, kind: Kind[RecordT], refs: Iterable[str]) -> dict[str, dict[str, RecordT]]:
        """All records of a kind that were put with each of these references, by reference and key."""

    def put(self, kind: Kind[RecordT], key: str, record: RecordT, ref: str = "") -> None:
        """Store a record; `find` finds it by `ref`."""

    def drop(self, kind: Kind[Any], key: str) -> None:
        """Delete a record."""

    def touch(self, subject: str) -> None:
        """Have this subject decided again, in this transaction (or after catch-up)."""

    def release(self, name: str) -> None:
        """State that the named thing exists now: every subject that is blocked on it is decided again."""


@dataclass
class MemoryState:
    """A `State` in memory with everything loaded: rules can be run over events without a database.

    `touched` and `released` hold what the rules have touched and released, in order.
    """

    now: datetime
    records: dict[tuple[str, str], Any] = field(default_factory=dict)
    refs: dict[tuple[str, str], str] = field(default_factory=dict)
    touched: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    _found: defaultdict[tuple[str, str], dict[str, None]] = field(default_factory=lambda: defaultdict(dict))

    def get(self, kind: Kind[RecordT], key: str) -> RecordT | None:
        return self.records.get((kind.name, key))

    def get_many(self, kind: Kind[RecordT], keys: Iterable[str]) -> dict[str, RecordT]:
        return {key: record for key in dict.fromkeys(keys) if (record := self.get(kind, key)) is not None}

    def find(self, kind: Kind[RecordT], ref: str) -> dict[str, RecordT]:
        return {key: self.records[kind.name, key] for key in self._found.get((kind.name, ref), ())}

    def find_many(self, kind: Kind[RecordT], refs: Iterable[str]) -> dict[str, dict[str, RecordT]]:
        return {ref: self.find(kind, ref) for ref in refs}

    def put(self, kind: Kind[RecordT], key: str, record: RecordT, ref: str = "") -> None:
        self.drop(kind, key)
        self.records[kind.name, key] = record
        self.refs[kind.name, key] = ref
        self._found[kind.name, ref][key] = None

    def drop(self, kind: Kind[Any], key: str) -> None:
        if self.records.pop((kind.name, key), None) is not None:
            self._found[kind.name, self.refs.pop((kind.name, key))].pop(key, None)

    def touch(self, subject: str) -> None:
        self.touched.append(subject)

    def release(self, name: str) -> None:
        self.released.append(name)
