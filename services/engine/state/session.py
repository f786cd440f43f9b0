"""The projection as one transaction sees it: records are loaded in bulk and written once, at its end.

Rules are synchronous functions and read through this session. Reading a record that is not in memory yet raises
`NotLoaded`. The engine catches it, loads what was asked for and runs the rule again from its start, with whatever the
interrupted run has put discarded. Every run has at least one more record in memory, so a rule ends as soon as
everything that it reads is loaded. A read therefore never returns a wrong answer, and a rule needs to know only this:
it must have no effects but on its state, and it reads many records with one `get_many` or `find_many`, because a loop
of single reads is started again for each of them. The engine loads what all rules of a batch miss with one query for
each kind, so a batch of 500 events costs a handful of queries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel
from sqlalchemy import Table

from contracts.envelope import Cause
from services.engine.state.records import Kind, RecordT

ResultT = TypeVar("ResultT")
Slot = tuple[str, str]
"""(kind, key) of a record, or (kind, reference)."""


class Miss(NamedTuple):
    """A record, or all records of a reference (`by_ref`), that is not in memory yet."""

    slot: Slot
    by_ref: bool


class NotLoaded(Exception):
    """A rule has read what is not in memory yet: load `missing` and run the rule again."""

    def __init__(self, missing: Iterable[Miss]) -> None:
        self.missing = tuple(missing)
        super().__init__(self.missing)


@dataclass(slots=True, eq=False)
class RuleChanges:
    """What one run of a rule changes; it counts only when the rule returns."""

    put: dict[Slot, tuple[BaseModel | None, str]] = field(default_factory=dict)
    touched: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)


class Session:
    """The State of one transaction (see `records.State`)."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.touched: dict[str, Cause | None] = {}
        self.released: dict[str, Cause | None] = {}
        self.changes: dict[Slot, tuple[BaseModel | None, str]] = {}
        self.tables: dict[str, Table] = {}
        """The tables of the kinds that have one and that were read or put, by the name of the kind."""
        self.pending = RuleChanges()
        self.size = 0
        """Bytes of what the rules of this transaction work with."""
        self._bodies: dict[Slot, str | BaseModel | None] = {}
        self._ref_of: dict[Slot, str] = {}
        self._refs: dict[Slot, set[str]] = {}
        self._put_under: defaultdict[Slot, set[str]] = defaultdict(set)

    def get(self, kind: Kind[RecordT], key: str) -> RecordT | None:
        slot = (kind.name, key)
        if slot in self.pending.put:
            return self.pending.put[slot][0]  # type: ignore[return-value]
        if slot not in self._bodies:
            raise self._not_loaded(kind, [slot], by_ref=False)
        body = self._bodies[slot]
        if isinstance(body, str):
            body = self._bodies[slot] = kind.model.model_validate_json(body)
        return body  # type: ignore[return-value]

    def get_many(self, kind: Kind[RecordT], keys: Iterable[str]) -> dict[str, RecordT]:
        wanted = {key: (kind.name, key) for key in keys}
        put, bodies = self.pending.put, self._bodies
        if missing := [slot for slot in wanted.values() if slot not in put and slot not in bodies]:
            raise self._not_loaded(kind, missing, by_ref=False)
        return {key: record for key in wanted if (record := self.get(kind, key)) is not None}

    def find(self, kind: Kind[RecordT], ref: str) -> dict[str, RecordT]:
        slot = (kind.name, ref)
        if slot not in self._refs:
            raise self._not_loaded(kind, [slot], by_ref=True)
        keys = sorted(self._keys(slot)) if self.pending.put else sorted(self._refs[slot])
        return {key: record for key in keys if (record := self.get(kind, key)) is not None}

    def find_many(self, kind: Kind[RecordT], refs: Iterable[str]) -> dict[str, dict[str, RecordT]]:
        wanted = {ref: (kind.name, ref) for ref in refs}
        if missing := [slot for slot in wanted.values() if slot not in self._refs]:
            raise self._not_loaded(kind, missing, by_ref=True)
        return {ref: self.find(kind, ref) for ref in wanted}

    def note_table(self, kind: Kind[Any]) -> None:
        """Remember the table of a kind before its records are loaded or written by the kind's name."""
        if kind.table is not None:
            self.tables[kind.name] = kind.table

    def _not_loaded(self, kind: Kind[Any], slots: Iterable[Slot], *, by_ref: bool) -> NotLoaded:
        self.note_table(kind)
        return NotLoaded(Miss(slot, by_ref=by_ref) for slot in slots)

    def _keys(self, slot: Slot) -> set[str]:
        kind, ref = slot
        moved = {key: at for (name, key), (_, at) in self.pending.put.items() if name == kind}
        kept = {key for key in self._refs[slot] if moved.get(key, ref) == ref}
        return kept | {key for key, at in moved.items() if at == ref}

    def put(self, kind: Kind[RecordT], key: str, record: RecordT, ref: str = "") -> None:
        self.note_table(kind)
        self.pending.put[kind.name, key] = (record, ref)

    def drop(self, kind: Kind[Any], key: str) -> None:
        self.note_table(kind)
        self.pending.put[kind.name, key] = (None, "")

    def touch(self, subject: str) -> None:
        self.pending.touched.append(subject)

    def release(self, name: str) -> None:
        self.pending.released.append(name)

    def run(self, rule: Callable[[], ResultT], cause: Cause | None = None) -> ResultT:
        """Run a rule; what it puts, touches and releases counts only when it returns. Raises `NotLoaded`."""
        before, self.pending = self.pending, RuleChanges()
        try:
            result = rule()
        finally:
            pending, self.pending = self.pending, before
        self._take_over(pending, cause)
        return result

    def _take_over(self, pending: RuleChanges, cause: Cause | None) -> None:
        for slot, (record, ref) in pending.put.items():
            self._keep(slot, record, ref)
        for subject in pending.touched:
            self.touched[subject] = cause
        for name in pending.released:
            self.released[name] = cause

    def _keep(self, slot: Slot, record: BaseModel | None, ref: str) -> None:
        before = self._ref_of.get(slot)
        if before is not None:
            self._move(slot, before, away=True)
        if record is not None:
            self._move(slot, ref, away=False)
        self._ref_of[slot] = ref
        self._bodies[slot] = record
        self.changes[slot] = (record, ref)

    def _move(self, slot: Slot, ref: str, *, away: bool) -> None:
        """Record that a record has this reference now, or has it no longer (`away`)."""
        under = (slot[0], ref)
        for keys in (self._put_under[under], self._refs.get(under, set())):
            (keys.discard if away else keys.add)(slot[1])

    def add_records(self, slots: Iterable[Slot], rows: Iterable[tuple[str, str, str, str]]) -> None:
        """Keep what was read for these slots, as rows of (kind, key, ref, body); slots without a row do not exist."""
        for slot in slots:
            self._bodies.setdefault(slot, None)
        self._take(rows)

    def add_references(self, slots: Iterable[Slot], rows: Iterable[tuple[str, str, str, str]]) -> None:
        """Keep all records of these references, as rows of (kind, key, ref, body)."""
        for slot in slots:
            self._refs.setdefault(slot, set(self._put_under.get(slot, ())))
        self._take(rows)

    def _take(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        for kind, key, ref, body in rows:
            slot = (kind, key)
            if slot in self.changes:
                continue
            self.size += len(body)
            if self._bodies.get(slot) is None:
                self._bodies[slot] = body
            self._ref_of[slot] = ref
            if (kind, ref) in self._refs:
                self._refs[kind, ref].add(key)
