"""One transaction's view of the projection: reads are bulk-loaded, writes are flushed once.

A handler that asks for what is not loaded yet raises `NotLoaded`; the engine collects what a whole batch misses,
loads it at once and runs those handlers again. So rules are plain synchronous functions, and a batch of 500 events
costs a handful of queries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from contracts.envelope import Cause
from services.shared.state.records import Kind, RecordT

Slot = tuple[str, str]
ResultT = TypeVar("ResultT")


class NotLoaded(Exception):
    """A handler asked for a record or a reference that is not in memory yet."""

    def __init__(self, slot: Slot, *, by_ref: bool) -> None:
        super().__init__(slot)
        self.slot, self.by_ref = slot, by_ref


class Session:
    """The State of one transaction (see `records.State`)."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.cause: Cause | None = None
        self.touched: dict[str, Cause | None] = {}
        self.released: dict[str, None] = {}
        self.changes: dict[Slot, tuple[BaseModel | None, str]] = {}
        self._bodies: dict[Slot, str | BaseModel | None] = {}
        self._ref_of: dict[Slot, str] = {}
        self._refs: dict[Slot, set[str]] = {}
        self._put_under: defaultdict[Slot, set[str]] = defaultdict(set)
        self._steps: list[Callable[[], None]] = []
        self._overlay: dict[Slot, tuple[BaseModel | None, str]] = {}

    def get(self, kind: Kind[RecordT], key: str) -> RecordT | None:
        slot = (kind.name, key)
        if slot in self._overlay:
            return self._overlay[slot][0]  # type: ignore[return-value]
        try:
            body = self._bodies[slot]
        except KeyError:
            raise NotLoaded(slot, by_ref=False) from None
        if isinstance(body, str):
            body = self._bodies[slot] = kind.model.model_validate_json(body)
        return body  # type: ignore[return-value]

    def find(self, kind: Kind[RecordT], ref: str) -> dict[str, RecordT]:
        slot = (kind.name, ref)
        if slot not in self._refs:
            raise NotLoaded(slot, by_ref=True)
        keys = sorted(self._keys(kind.name, ref))
        return {key: record for key in keys if (record := self.get(kind, key)) is not None}

    def _keys(self, kind: str, ref: str) -> set[str]:
        moved = {key: at for (name, key), (_, at) in self._overlay.items() if name == kind}
        kept = {key for key in self._refs[kind, ref] if moved.get(key, ref) == ref}
        return kept | {key for key, at in moved.items() if at == ref}

    def put(self, kind: Kind[RecordT], key: str, record: RecordT, ref: str = "") -> None:
        self._overlay[kind.name, key] = (record, ref)

    def drop(self, kind: Kind[Any], key: str) -> None:
        self._overlay[kind.name, key] = (None, "")

    def touch(self, subject: str) -> None:
        self._steps.append(lambda: self.touched.__setitem__(subject, self.cause))

    def release(self, name: str) -> None:
        self._steps.append(lambda: self.released.__setitem__(name, None))

    def run(self, rule: Callable[[], ResultT]) -> ResultT:
        """Run a rule; what it put and touched counts only if it came to its end."""
        try:
            result = rule()
            for slot, (record, ref) in self._overlay.items():
                self._keep(slot, record, ref)
            for step in self._steps:
                step()
        finally:
            self._overlay, self._steps = {}, []
        return result

    def _keep(self, slot: Slot, record: BaseModel | None, ref: str) -> None:
        kind, key = slot
        before = self._ref_of.get(slot)
        if before is not None:
            self._put_under[kind, before].discard(key)
            if (kind, before) in self._refs:
                self._refs[kind, before].discard(key)
        if record is not None:
            self._put_under[kind, ref].add(key)
            if (kind, ref) in self._refs:
                self._refs[kind, ref].add(key)
        self._ref_of[slot] = ref
        self._bodies[slot] = record
        self.changes[slot] = (record, ref)

    def loaded(self, slots: Iterable[Slot], rows: Iterable[tuple[str, str, str, str]]) -> None:
        """Take in what was read for these slots: rows of (kind, key, ref, body); the rest does not exist."""
        for slot in slots:
            self._bodies.setdefault(slot, None)
        self._take(rows)

    def loaded_refs(self, slots: Iterable[Slot], rows: Iterable[tuple[str, str, str, str]]) -> None:
        """Take in all records of these references."""
        for slot in slots:
            self._refs.setdefault(slot, set(self._put_under.get(slot, ())))
        self._take(rows)

    def _take(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        for kind, key, ref, body in rows:
            slot = (kind, key)
            if slot in self.changes:
                continue
            if self._bodies.get(slot) is None:
                self._bodies[slot] = body
            self._ref_of[slot] = ref
            if (kind, ref) in self._refs:
                self._refs[kind, ref].add(key)
