"""A `State` in dictionaries, and a way to hand events to a service's handlers without any database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from contracts.envelope import Envelope, wrap
from contracts.model import Event
from services.shared.delivery.decision import Decision
from services.shared.delivery.handlers import Handlers
from services.shared.state.records import Kind, RecordT

NOON = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""Noon in Tbilisi on an ordinary Monday."""


@dataclass
class MemoryState:
    """The projection in memory. `touched` and `released` tell what the handlers asked for, in order."""

    now: datetime = NOON
    records: dict[tuple[str, str], Any] = field(default_factory=dict)
    refs: dict[tuple[str, str], str] = field(default_factory=dict)
    touched: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)

    def get(self, kind: Kind[RecordT], key: str) -> RecordT | None:
        return self.records.get((kind.name, key))

    def find(self, kind: Kind[RecordT], ref: str) -> dict[str, RecordT]:
        return {
            key: self.records[kind.name, key] for (name, key), r in self.refs.items() if (name, r) == (kind.name, ref)
        }

    def pause(self) -> None:
        """Everything is loaded."""

    def put(self, kind: Kind[RecordT], key: str, record: RecordT, ref: str = "") -> None:
        assert isinstance(record, kind.model), f"{kind.name} holds {kind.model.__name__}, not {type(record).__name__}"
        self.records[kind.name, key] = kind.model.model_validate_json(record.model_dump_json())
        self.refs[kind.name, key] = ref

    def drop(self, kind: Kind[Any], key: str) -> None:
        self.records.pop((kind.name, key), None)
        self.refs.pop((kind.name, key), None)

    def touch(self, subject: str) -> None:
        self.touched.append(subject)

    def release(self, name: str) -> None:
        self.released.append(name)


@dataclass
class Consumer:
    """A service's handlers over a `MemoryState`: remembers events, then decides every touched subject once."""

    handlers: Handlers
    state: MemoryState = field(default_factory=MemoryState)
    decisions: dict[str, Decision] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)

    def take(self, *events: Event) -> dict[str, Decision]:
        """Remember all events in one transaction, then decide; returns the decisions of this transaction.

        A subject whose waiting delivery is blocked on a released name is decided again, as the engine does.
        """
        self.state.touched.clear()
        self.state.released.clear()
        for event in events:
            self.handlers.remember[type(event)](self._wrap(event), self.state)
        subjects = dict.fromkeys([*self.state.touched, *self._blocked_on(self.state.released)])
        return self._decide(subjects)

    def again(self, subject: str, at: datetime) -> Decision:
        """Decide a subject at a later moment, as the engine does for `again_at`."""
        self.state.now = at
        return self._decide([subject])[subject]

    def _decide(self, subjects: Iterable[str]) -> dict[str, Decision]:
        decided = {subject: self.handlers.decide(subject, self.state) for subject in subjects}
        self.decisions.update(decided)
        return decided

    def _blocked_on(self, names: Iterable[str]) -> list[str]:
        released = set(names)
        return [
            subject
            for subject, decision in self.decisions.items()
            if any(delivery.blocked and delivery.blocked.on in released for delivery in decision.deliveries)
        ]

    def _wrap(self, event: Event) -> Envelope[Event]:
        subject = f"{event.TOPIC}|{event.subject}"
        self.versions[subject] = self.versions.get(subject, 0) + 1
        return wrap(event, version=self.versions[subject], source="/tests", time=self.state.now)
