"""The payloads of the deliveries: what the effect in the shop and the event after it need."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from contracts.delivery_ids import note_id, order_key, status_id
from contracts.ledger import Attempt
from contracts.model import Part
from contracts.notices import (
    NoteKind,
    OrderNotePlanned,
    OrderNoteWritten,
    OrderStatusPlanned,
    OrderStatusWritten,
    OwnState,
)

How = Literal["written", "found"]


class NoteTask(Part):
    """A note to be written, unless the order already has one with its marker. `says` is the text."""

    shop: str
    order_id: int
    marker: str
    about: NoteKind
    document: str | None = None
    reason: str | None = None
    customer: bool
    says: str

    @property
    def id(self) -> str:
        """The id of the delivery."""
        return note_id(order_key(self.shop, self.order_id), self.marker)

    def planned(self, now: datetime) -> OrderNotePlanned:
        """The event of a dry run."""
        return OrderNotePlanned(**self.model_dump(), planned_at=now)

    def written(self, how: How, note_id: int, now: datetime, attempts: tuple[Attempt, ...]) -> OrderNoteWritten:
        """The event once the note is in the shop."""
        return OrderNoteWritten(**self.model_dump(), how=how, note_id=note_id, written_at=now, attempts=attempts)


class StatusTask(Part):
    """A status to write if the order has not changed since the decision: `was` is its status, `base` its digest."""

    shop: str
    order_id: int
    booked: OwnState
    was: str
    status: str
    order_version: int
    base: str

    @property
    def id(self) -> str:
        """The id of the delivery."""
        return status_id(order_key(self.shop, self.order_id), self.booked)

    def planned(self, now: datetime) -> OrderStatusPlanned:
        """The event of a dry run."""
        return OrderStatusPlanned(**self.model_dump(exclude={"base"}), planned_at=now)

    def written(self, how: How, now: datetime, attempts: tuple[Attempt, ...]) -> OrderStatusWritten:
        """The event once the order has the status."""
        return OrderStatusWritten(**self.model_dump(exclude={"base"}), how=how, written_at=now, attempts=attempts)
