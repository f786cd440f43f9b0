"""What was written back to the shop's orders: notes and statuses; and what would be, in dry-run. No personal data."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from contracts.delivery_ids import order_key
from contracts.ledger import Attempt
from contracts.model import Event, Instant, ShopId, Uid, Whole

NoteKind = Literal["sale", "credit-note", "plan", "parked"]
OwnState = Literal["posted", "credited"]


class _NoticeEvent(Event):
    TOPIC: ClassVar[str] = "shop.notices"
    NOTICE: ClassVar[str]
    shop: ShopId
    order_id: Whole = Field(gt=0)

    @property
    def key(self) -> str:
        return order_key(self.shop, self.order_id)


class _NoteEvent(_NoticeEvent):
    NOTICE: ClassVar[str] = "note"
    marker: str = Field(min_length=1, description="is in the note itself, and identifies it for ever")
    about: NoteKind
    document: Uid | None = Field(default=None, description="the document that the note is about")
    reason: str | None = Field(default=None, description="why it is parked, if the note is about that")
    customer: bool = Field(description="whether the shop shows it to the customer, and mails it")
    says: str

    @property
    def subject(self) -> str:
        return f"{self.key}:{self.NOTICE}:{self.marker}"


class OrderNoteWritten(_NoteEvent):
    """A note of an order in the shop: written now, or found there."""

    TYPE: ClassVar[str] = "davtari.OrderNoteWritten.v1"
    how: Literal["written", "found"]
    note_id: Whole
    written_at: Instant
    attempts: tuple[Attempt, ...] = ()


class OrderNotePlanned(_NoteEvent):
    """The note that would be written if notes were live."""

    TYPE: ClassVar[str] = "davtari.OrderNotePlanned.v1"
    NOTICE: ClassVar[str] = "note-plan"
    planned_at: Instant


class _StatusEvent(_NoticeEvent):
    NOTICE: ClassVar[str] = "status"
    booked: OwnState = Field(description="the state of the order in the books")
    was: str
    status: str
    order_version: Whole = Field(description="the version of the order that this was decided on")

    @property
    def subject(self) -> str:
        return f"{self.key}:{self.NOTICE}:{self.booked}"


class OrderStatusWritten(_StatusEvent):
    """The status that an order was given in the shop, or had already been given when it was to be written."""

    TYPE: ClassVar[str] = "davtari.OrderStatusWritten.v1"
    how: Literal["written", "found"]
    written_at: Instant
    attempts: tuple[Attempt, ...] = ()


class OrderStatusPlanned(_StatusEvent):
    """The status that would be written if statuses were live."""

    TYPE: ClassVar[str] = "davtari.OrderStatusPlanned.v1"
    NOTICE: ClassVar[str] = "status-plan"
    planned_at: Instant
