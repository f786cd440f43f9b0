"""What a service decides about a subject: the deliveries it wants, what it announces, what it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.model import Event
from contracts.operations import FailedRecord
from contracts.reasons import Reason
from services.engine.outbox.outcome import Blocked


@dataclass(frozen=True, slots=True)
class Delivery:
    """One intended effect on an upstream.

    `id` is deterministic (`sale:main:1042`): deciding again replaces the waiting row, so that a superseded state never
    leaves. Rows of one `lane` and `key` go strictly in order. `payload` is JSON-ready and all that the effect needs.
    """

    id: str
    kind: str
    lane: str
    key: str
    payload: dict[str, Any]
    blocked: Blocked | None = None
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A delivery that cannot be computed or must not be made: it becomes a dead letter."""

    delivery: Delivery
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The whole of what is wanted for a subject now: waiting rows that are not in it any more are taken back.

    `again_at`: decide again at that moment. `retry`: Kafka records to handle again (a replay).
    """

    deliveries: tuple[Delivery, ...] = ()
    announce: tuple[Event, ...] = ()
    refuse: tuple[Refusal, ...] = ()
    again_at: datetime | None = None
    retry: tuple[FailedRecord, ...] = ()

    def with_(self, other: Decision) -> Decision:
        """What both want of the same subject."""
        moments = [moment for moment in (self.again_at, other.again_at) if moment is not None]
        return Decision(
            deliveries=(*self.deliveries, *other.deliveries),
            announce=(*self.announce, *other.announce),
            refuse=(*self.refuse, *other.refuse),
            again_at=min(moments, default=None),
            retry=(*self.retry, *other.retry),
        )


NOTHING = Decision()
