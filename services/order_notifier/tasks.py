"""The payloads of the deliveries: all that the effect in the shop and the event after it need."""

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
    """A note to be written, unless one with its marker stands at the order already."""

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
        """The delivery's id."""
        return note_id(order_key(self.shop, self.order_id), self.marker)

    def planned(self, now: datetime) -> OrderNotePlanned:
        """What a dry run says of it."""
        return OrderNotePlanned(**self.model_dump(), planned_at=now)

    def written(self, how: How, note_id: int, now: datetime, attempts: tuple[Attempt, ...]) -> OrderNoteWritten:
        """What is said once it stands in the shop."""
        return OrderNoteWritten(**self.model_dump(), how=how, note_id=note_id, written_at=now, attempts=attempts)


class StatusTask(Part):
    """A status to be written, if the order still is what that was decided on: `was` and `base` say what."""

    shop: str
    order_id: int
    booked: OwnState
    was: str
    status: str
    order_version: int
    base: str

    @property
    def id(self) -> str:
        """The delivery's id."""
        return status_id(order_key(self.shop, self.order_id), self.booked)

    def planned(self, now: datetime) -> OrderStatusPlanned:
        """What a dry run says of it."""
        return OrderStatusPlanned(**self.model_dump(exclude={"base"}), planned_at=now)

    def written(self, how: How, now: datetime, attempts: tuple[Attempt, ...]) -> OrderStatusWritten:
        """What is said once the order has it."""
        return OrderStatusWritten(**self.model_dump(exclude={"base"}), how=how, written_at=now, attempts=attempts)
