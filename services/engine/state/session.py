"""One transaction's view of the projection: reads are bulk-loaded, writes are flushed once.

A rule that asks for what is not loaded yet is told that there is nothing, goes on so that all that it misses comes to
light at once, and nothing of it counts; the engine collects what a whole batch misses, loads it and runs those rules
again. So rules are plain synchronous functions, and a batch of 500 events costs a handful of queries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from contracts.envelope import Cause
from services.engine.state.attempt import Attempt, Miss, NotLoaded, Slot
from services.engine.state.records import Kind, RecordT

__all__ = ["Miss", "NotLoaded", "Session", "Slot"]
ResultT = TypeVar("ResultT")


class Session:
    """The State of one transaction (see `records.State`)."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.touched: dict[str, Cause | None] = {}
        self.released: dict[str, Cause | None] = {}
        self.changes: dict[Slot, tuple[BaseModel | None, str]] = {}
        self.attempt = self._none = Attempt()
        self._bodies: dict[Slot, str | BaseModel | None] = {}
        self._ref_of: dict[Slot, str] = {}
        self._refs: dict[Slot, set[str]] = {}
        self._put_under: defaultdict[Slot, set[str]] = defaultdict(set)

    def get(self, kind: Kind[RecordT], key: str) -> RecordT | None:
        slot, attempt = (kind.name, key), self.attempt
        if slot in attempt.put:
            return attempt.put[slot][0]  # type: ignore[return-value]
        if slot not in self._bodies:
            self._miss(slot, by_ref=False)
            return None
        body = self._bodies[slot]
        if isinstance(body, str):
            body = self._bodies[slot] = kind.model.model_validate_json(body)
        return body  # type: ignore[return-value]

    def find(self, kind: Kind[RecordT], ref: str) -> dict[str, RecordT]:
        slot, attempt = (kind.name, ref), self.attempt
        if slot not in self._refs:
            self._miss(slot, by_ref=True)
            return {}
        keys = sorted(self._keys(slot)) if attempt.put else sorted(self._refs[slot])
        return {key: record for key in keys if (record := self.get(kind, key)) is not None}

    def _miss(self, slot: Slot, *, by_ref: bool) -> None:
        """Note what the rule must be run again for; outside of a rule nobody runs again."""
        miss = Miss(slot, by_ref)
        if self.attempt is self._none:
            raise NotLoaded([miss])
        self.attempt.missing[miss] = None

    def pause(self) -> None:
        if self.attempt.missing:
            raise NotLoaded(self.attempt.missing)

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

    def run(self, rule: Callable[[], ResultT], cause: Cause | None = None) -> ResultT:
        """Run a rule; what it put and touched counts only if it comes to its end. Raises `NotLoaded`.

        So it does whatever became of a rule that missed something, an error of the rule too: it did not know enough.
        """
        attempt = Attempt()
        before, self.attempt = self.attempt, attempt
        try:
            result = rule()
        except Exception:
            if not attempt.missing:
                raise
        finally:
            self.attempt = before
        if attempt.missing:
            raise NotLoaded(attempt.missing)
        self._take_over(attempt, cause)
        return result

    def _take_over(self, attempt: Attempt, cause: Cause | None) -> None:
        for slot, (record, ref) in attempt.put.items():
            self._keep(slot, record, ref)
        for subject in attempt.touched:
            self.touched[subject] = cause
        for name in attempt.released:
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
        """Note that a record stands under a reference, or does so no more."""
        under = (slot[0], ref)
        for keys in (self._put_under[under], self._refs.get(under, set())):
            (keys.discard if away else keys.add)(slot[1])

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
