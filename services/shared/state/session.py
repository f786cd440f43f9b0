"""One transaction's view of the projection: reads are bulk-loaded, writes are flushed once.

A rule that asks for what is not loaded yet is set aside (see `fiber.py`); the engine collects what a whole batch
misses, loads it at once and lets those rules go on. So rules are plain synchronous functions, and a batch of 500 events
costs a handful of queries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from contracts.envelope import Cause
from services.shared.state.attempt import Attempt, NotLoaded, Slot
from services.shared.state.records import Kind, RecordT

__all__ = ["NotLoaded", "Session", "Slot"]
ResultT = TypeVar("ResultT")


class Session:
    """The State of one transaction (see `records.State`)."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.cause: Cause | None = None
        self.touched: dict[str, Cause | None] = {}
        self.released: dict[str, None] = {}
        self.changes: dict[Slot, tuple[BaseModel | None, str]] = {}
        self.changed = 0
        self.attempt = Attempt()
        self._bodies: dict[Slot, str | BaseModel | None] = {}
        self._ref_of: dict[Slot, str] = {}
        self._refs: dict[Slot, set[str]] = {}
        self._put_under: defaultdict[Slot, set[str]] = defaultdict(set)
        self._changed_at: dict[Slot, int] = {}
        self._ref_changed_at: dict[Slot, int] = {}

    def get(self, kind: Kind[RecordT], key: str) -> RecordT | None:
        slot, attempt = (kind.name, key), self.attempt
        if slot in attempt.put:
            return attempt.put[slot][0]  # type: ignore[return-value]
        if slot not in self._bodies:
            attempt.suspend(NotLoaded(slot, by_ref=False))
        attempt.read.append(slot)
        body = self._bodies[slot]
        if isinstance(body, str):
            body = self._bodies[slot] = kind.model.model_validate_json(body)
        return body  # type: ignore[return-value]

    def find(self, kind: Kind[RecordT], ref: str) -> dict[str, RecordT]:
        slot, attempt = (kind.name, ref), self.attempt
        if slot not in self._refs:
            attempt.suspend(NotLoaded(slot, by_ref=True))
        attempt.found.append(slot)
        keys = sorted(self._keys(slot)) if attempt.put else sorted(self._refs[slot])
        return {key: record for key in keys if (record := self.get(kind, key)) is not None}

    def _keys(self, slot: Slot) -> set[str]:
        kind, ref = slot
        moved = {key: at for (name, key), (_, at) in self.attempt.put.items() if name == kind}
        kept = {key for key in self._refs[slot] if moved.get(key, ref) == ref}
        return kept | {key for key, at in moved.items() if at == ref}

    def put(self, kind: Kind[RecordT], key: str, record: RecordT, ref: str = "") -> None:
        self.attempt.put[kind.name, key] = (record, ref)

    def drop(self, kind: Kind[Any], key: str) -> None:
        self.attempt.put[kind.name, key] = (None, "")

    def touch(self, subject: str) -> None:
        self.attempt.touched.append(subject)

    def release(self, name: str) -> None:
        self.attempt.released.append(name)

    def run(self, rule: Callable[[], ResultT]) -> ResultT:
        """Run a rule at one go; what it put and touched counts only if it comes to its end. Raises `NotLoaded`."""
        attempt = Attempt(self.changed)
        before, self.attempt = self.attempt, attempt
        try:
            result = rule()
        finally:
            self.attempt = before
        self.keep(attempt, self.cause)
        return result

    def outdated(self, attempt: Attempt) -> bool:
        """Whether something that the attempt has read was changed by another one since it began."""
        return self.changed > attempt.begun and (
            any(self._changed_at.get(slot, 0) > attempt.begun for slot in attempt.read)
            or any(self._ref_changed_at.get(slot, 0) > attempt.begun for slot in attempt.found)
        )

    def keep(self, attempt: Attempt, cause: Cause | None) -> None:
        """The attempt has come to its end: what it put, touched and released counts from now on."""
        self.cause = cause
        self.changed += 1
        for slot, (record, ref) in attempt.put.items():
            self._keep(slot, record, ref)
        self.touched.update(dict.fromkeys(attempt.touched, cause))
        self.released.update(dict.fromkeys(attempt.released))

    def _keep(self, slot: Slot, record: BaseModel | None, ref: str) -> None:
        before = self._ref_of.get(slot)
        if before is not None:
            self._move(slot, before, away=True)
        if record is not None:
            self._move(slot, ref, away=False)
        self._ref_of[slot] = ref
        self._bodies[slot] = record
        self._changed_at[slot] = self.changed
        self.changes[slot] = (record, ref)

    def _move(self, slot: Slot, ref: str, *, away: bool) -> None:
        """Note that a record stands under a reference, or does so no more."""
        under = (slot[0], ref)
        for keys in (self._put_under[under], self._refs.get(under, set())):
            (keys.discard if away else keys.add)(slot[1])
        self._ref_changed_at[under] = self.changed

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
