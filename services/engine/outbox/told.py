"""An event on its way into the projection."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.envelope import Envelope
from contracts.model import Event
from services.engine.kafka.record import Record
from services.engine.state.records import State
from services.engine.state.session import Slot


@dataclass(slots=True)
class PendingEvent:
    """An event that is being remembered, and the record it came in."""

    envelope: Envelope[Event]
    record: Record | None

    @property
    def lane(self) -> Slot:
        """Events of one topic and key are remembered in order."""
        return self.envelope.data.TOPIC, self.envelope.data.key


def ignore(envelope: Envelope[Event], state: State) -> None:
    """What an event means that no rule of this service is about."""
