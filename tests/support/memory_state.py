"""A `State` in dictionaries, and a way to hand events to a service's handlers without any database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from contracts.envelope import Envelope, wrap
from contracts.model import Event
from services.engine.outbox.decision import Decision
from services.engine.outbox.handlers import Handlers
from services.engine.state.records import Kind, RecordT
from services.engine.state.records import MemoryState as Memory

NOON = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""Noon in Tbilisi on an ordinary Monday."""


@dataclass
class MemoryState(Memory):
    """The same, as a database would keep it: a record is read back from its JSON. Tests may change `refs` by hand."""

    now: datetime = NOON

    def find(self, kind: Kind[RecordT], ref: str) -> dict[str, RecordT]:
        return {
            key: self.records[kind.name, key] for (name, key), r in self.refs.items() if (name, r) == (kind.name, ref)
        }

    def put(self, kind: Kind[RecordT], key: str, record: RecordT, ref: str = "") -> None:
        assert isinstance(record, kind.model), f"{kind.name} holds {kind.model.__name__}, not {type(record).__name__}"
        super().put(kind, key, kind.model.model_validate_json(record.model_dump_json()), ref)


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
