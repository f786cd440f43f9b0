"""The shape of a service's `handlers.py`: what each event means, and what is decided."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.envelope import Envelope
from contracts.model import Event
from services.engine.kafka.record import Record, as_they_are
from services.engine.outbox.decision import Decision
from services.engine.outbox.lookup import Preloads
from services.engine.state.records import State
from services.engine.state.session import Miss, Slot

Remember = Callable[[Envelope[Any], State], None]
Decide = Callable[[str, State], Decision]
News = Callable[[Any, State], Sequence[Event]]


@dataclass(frozen=True, slots=True)
class Handlers:
    """A service's rules.

    `remember` (by event type) updates the projection and touches the subjects that must be decided again.
    `decide` looks at the projection only, never at the event, so that order, duplicates and rebuilds change nothing; it
    may store what it derives, as rules do.
    `news` (by event type) compares an event that is about to be announced with what is known, and returns what is worth
    announcing: nothing, the event with its changed fields, or further events. Types not named are always announced.
    All run over a `State` without awaiting; they may be run twice over the same input and must have no other effect.
    """

    topics: tuple[str, ...]
    remember: Mapping[type[Event], Remember]
    decide: Decide
    news: Mapping[type[Event], News] = field(default_factory=dict)


def compose_rules(
    first: Mapping[type[Event], Remember], then: Mapping[type[Event], Remember]
) -> Mapping[type[Event], Remember]:
    """The rules of both; where both have one for an event, both run, in this order."""
    shared = {type_: _both(first[type_], then[type_]) for type_ in first.keys() & then.keys()}
    return {**first, **then, **shared}


def _both(first: Remember, then: Remember) -> Remember:
    def rule(envelope: Envelope[Any], state: State) -> None:
        first(envelope, state)
        then(envelope, state)

    return rule


@dataclass(frozen=True, slots=True)
class ServiceRules:
    """What a transaction needs to know about its service. `unseal` opens sealed records.

    `reports` decides for which topics (by full name) it makes dead letters of unreadable records.
    """

    service: str
    handlers: Handlers
    blocked_deadline: float
    in_flight: Callable[[], Collection[str]]
    unseal: Callable[[Sequence[Record]], Awaitable[Sequence[Record]]] = as_they_are
    preloads: Preloads = field(default_factory=set)
    reports: Callable[[str], bool] = lambda topic: True


@dataclass(slots=True)
class PendingEvent:
    """An event that is to be applied, and the record that contained it."""

    envelope: Envelope[Event]
    record: Record | None

    @property
    def lane(self) -> Slot:
        """Events of one topic and key are applied in order."""
        return self.envelope.data.TOPIC, self.envelope.data.key


def apply_in_order(
    queue: Iterable[PendingEvent], apply: Callable[[PendingEvent], Sequence[Miss]]
) -> tuple[list[PendingEvent], list[Miss], list[tuple[PendingEvent, Exception]]]:
    """Apply events; returns those that must wait, what must be loaded for them, and those whose rule failed.

    An event waits with all later ones of its key.
    """
    deferred: list[PendingEvent] = []
    missing: list[Miss] = []
    failed: list[tuple[PendingEvent, Exception]] = []
    waiting: set[Slot] = set()
    for pending in queue:
        try:
            missed = () if pending.lane in waiting else apply(pending)
        except Exception as error:
            failed.append((pending, error))
            continue
        missing += missed
        if missed or pending.lane in waiting:
            waiting.add(pending.lane)
            deferred.append(pending)
    return deferred, missing, failed


def ignore(envelope: Envelope[Event], state: State) -> None:
    """The rule for events that mean nothing to this service."""
