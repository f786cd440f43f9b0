"""Sales orders in Balance: they reserve the goods of an order until its Sale is made, or it is given up."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from contracts.delivery_ids import order_key
from contracts.ledger import Attempt, RecordedLine
from contracts.model import Content, Event, Instant, Money, ShopId, Uid, Whole
from contracts.placement import Pieces


class _SalesOrderEvent(Event):
    TOPIC: ClassVar[str] = "ledger.documents"
    DOCUMENT: ClassVar[str] = "sales-order"
    shop: ShopId
    order_id: Whole = Field(gt=0)
    sales_order: Uid

    @property
    def key(self) -> str:
        return order_key(self.shop, self.order_id)

    @property
    def subject(self) -> str:
        return f"{self.key}:{self.DOCUMENT}"


class _SalesOrderContent(_SalesOrderEvent):
    client: Uid
    date: str
    total: Money
    vat: Money
    currency: str
    lines: tuple[RecordedLine, ...]
    order_version: Whole
    content_digest: str
    sent: Content


class SalesOrderRecorded(_SalesOrderContent):
    """A sales order that exists in Balance and was read back. `reserved`: as Balance states it."""

    TYPE: ClassVar[str] = "davtari.SalesOrderRecorded.v1"
    how: Literal["written", "adopted"]
    number: str | None = None
    reserved: tuple[Pieces, ...] = ()
    differences: tuple[str, ...] = ()
    recorded_at: Instant
    attempts: tuple[Attempt, ...] = ()


class SalesOrderPlanned(_SalesOrderContent):
    """The sales order that would be written if the orders flow were live."""

    TYPE: ClassVar[str] = "davtari.SalesOrderPlanned.v1"
    DOCUMENT: ClassVar[str] = "sales-order-plan"
    planned_at: Instant


class SalesOrderEnded(_SalesOrderEvent):
    """A sales order reserves nothing any more: its Sale is being made, or the order was given up."""

    TYPE: ClassVar[str] = "davtari.SalesOrderEnded.v1"
    DOCUMENT: ClassVar[str] = "sales-order"
    why: Literal["sold", "given-up"]
    ended_at: Instant
    attempts: tuple[Attempt, ...] = ()
