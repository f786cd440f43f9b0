"""What a transaction needs to know of its service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field

from services.engine.kafka.record import Record, as_they_are
from services.engine.outbox.handlers import Handlers
from services.engine.outbox.lookup import Asked


@dataclass(frozen=True, slots=True)
class Rules:
    """What a transaction needs to know of its service. `opened` opens what is sealed in records.

    `reports` tells of which topics (by their full name) it makes dead letters of records that cannot be read.
    """

    service: str
    handlers: Handlers
    blocked_deadline: float
    leaving: Callable[[], Collection[str]]
    opened: Callable[[Sequence[Record]], Awaitable[Sequence[Record]]] = as_they_are
    asked: Asked = field(default_factory=set)
    reports: Callable[[str], bool] = lambda topic: True
