"""Return requests: what a buyer wants to give back, and the credit note that it would come to.

No money has been given back yet, so that a request is no refund: its plan is an event of its own, which nobody who
counts refunds and credit notes takes for one of them.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from contracts.delivery_ids import order_key
from contracts.ledger import DocumentPart, RateSource, RecordedLine
from contracts.model import Content, Event, Instant, Money, Part, Quantity, ShopId, Uid, Whole
from contracts.operations import Command


class ReturnLine(Part):
    """So many pieces of a line of the order."""

    order_line_id: Whole
    quantity: Quantity
    sku: str = ""


class ReturnRequested(Command):
    """Plan the credit note of this return request, as it was read in the shop; in a dry run only report it.

    `request` is what the shop calls it within its order; `refund_ids` are the refunds that the order had there by then,
    which must be known before anything is planned on what they leave.
    """

    TYPE: ClassVar[str] = "davtari.ReturnRequested.v2"
    shop: ShopId
    order_id: Whole = Field(gt=0)
    request: str = Field(min_length=1, max_length=64)
    source: Literal["meta", "rest"]
    lines: tuple[ReturnLine, ...]
    refund_ids: tuple[Whole, ...] = ()
    dry_run: bool = False


class ReturnPlanned(Event):
    """The credit note that the refund of exactly these pieces would become, as `command_id` asked. It is not written.

    Once the shop refunds them, that refund gets its own credit note, as every refund does.
    """

    TYPE: ClassVar[str] = "davtari.ReturnPlanned.v1"
    TOPIC: ClassVar[str] = "ledger.documents"
    shop: ShopId
    order_id: Whole = Field(gt=0)
    request: str
    command_id: str
    sale: Uid
    date: str
    total: Money
    vat: Money
    currency: str
    lines: tuple[RecordedLine, ...]
    currency_rate: Quantity | None = None
    rate_source: RateSource | None = None
    sent: Content = Field(description="the document as it would be sent to Balance")
    parts: tuple[DocumentPart, ...] = Field(default=(), description="empty where it is one document")
    planned_at: Instant

    @property
    def key(self) -> str:
        return order_key(self.shop, self.order_id)

    @property
    def subject(self) -> str:
        return f"{self.key}:return-plan:{self.request}"
