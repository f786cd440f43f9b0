"""The shape of a service's `handlers.py`: what each event means, and what follows from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.envelope import Envelope
from contracts.model import Event
from services.engine.kafka.record import Record, as_they_are
from services.engine.outbox.decision import Decision
from services.engine.outbox.lookup import Preloads
from services.engine.state.records import State

Remember = Callable[[Envelope[Any], State], None]
Decide = Callable[[str, State], Decision]
News = Callable[[Any, State], Sequence[Event]]


@dataclass(frozen=True, slots=True)
class Handlers:
    """A service's rules.

    `remember` (by event type) updates the projection and touches the subjects that must be decided again.
    `decide` looks at the projection only, never at the event, so that order, duplicates and rebuilds change nothing.
    `news` (by event type) compares an event that is about to be announced with what is known, and gives what is worth
    saying: nothing, the event with its changed fields, or more events that follow. Types not named are always said.
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


# What a transaction needs to know of its service.


@dataclass(frozen=True, slots=True)
class ServiceRules:
    """What a transaction needs to know of its service. `opened` opens what is sealed in records.

    `reports` tells of which topics (by their full name) it makes dead letters of records that cannot be read.
    """

    service: str
    handlers: Handlers
    blocked_deadline: float
    in_flight: Callable[[], Collection[str]]
    unseal: Callable[[Sequence[Record]], Awaitable[Sequence[Record]]] = as_they_are
    preloads: Preloads = field(default_factory=set)
    reports: Callable[[str], bool] = lambda topic: True
