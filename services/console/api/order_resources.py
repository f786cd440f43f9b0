"""Orders as the API shows them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, computed_field

from contracts.model import Instant, Money, Quantity
from services.console.api.answers import Answer, Resource, Text
from services.console.api.dead_letter_resources import DeadLetterResource, HistoryResource
from services.console.model.order_states import StateName
from services.console.model.rows import DocumentKind, DocumentState
from services.console.queries.order_detail import DocumentDetail, OrderDetail


class BuyerResource(Resource):
    """The buyer, masked unless people were asked for."""

    name: str
    phone: str
    email: str


class OrderResource(Resource):
    """An order as a list shows it.

    `total` is null where the shop's answer was never readable. `shop_total`: what the shop keeps after refunds.
    `booked`: the Sale, null without one. `credited`: its credit notes. `reason`: the code of what prevents a document.
    """

    shop: str
    order_id: int
    number: str
    status: str
    currency: str
    total: Money | None
    shop_total: Money | None
    payment_method: str
    created_at: Instant | None
    paid_at: Instant | None
    state: StateName
    why: Text
    reason: str
    dead_letter: str
    held_until: Instant | None
    booked: Money | None
    credited: Money
    matches: bool = Field(description="whether the books agree with the shop")
    open_dead_letters: int
    buyer: BuyerResource | None

    @computed_field(description="the path of everything about the order")  # type: ignore[prop-decorator]
    @property
    def url(self) -> str:
        """The path of everything about the order."""
        return f"/api/v1/orders/{self.shop}/{self.order_id}"


class OrderPage(Answer):
    """A page of orders, newest first. `next` is the cursor of the following page, null on the last one."""

    orders: list[OrderResource]
    next: str | None


class OrderLineResource(Resource):
    """A line of the order beside what the documents hold of it; amounts are with tax.

    `shop` is null for a line that only documents have, `booked` without a Sale.
    """

    name: str
    sku: str
    kind: str
    quantity: Quantity | None
    shop: Money | None
    booked: Money | None
    booked_quantity: Quantity | None
    credited: Money
    difference: Money | None


class DocumentLineResource(Resource):
    """A line of a document."""

    order_line_id: int | None
    kind: str
    item: str
    quantity: Quantity
    amount: Money
    vat: Money
    vat_percent: Quantity | None


class DocumentResource(Resource):
    """A document in Balance, or the plan of one. `sent` is the JSON that was or would be sent, `parts` where several.

    `number`: as Balance shows it. `part`: the refund, payment or return request that it belongs to.
    """

    kind: DocumentKind
    state: DocumentState
    uid: str
    number: str
    part: str
    date: str
    total: Money
    vat: Money
    currency: str
    how: str
    posted: bool
    differences: list[str]
    at: Instant
    lines: list[DocumentLineResource]
    sent: dict[str, Any]
    parts: list[dict[str, Any]]


class RefundResource(Resource):
    """A refund and the state of its credit note."""

    refund_id: int
    amount: Money | None
    currency: str
    created_at: Instant | None
    state: StateName
    why: Text


class ApprovalRequestResource(Resource):
    """A document that is ready and was put before the accountant."""

    document: str
    kind: Literal["sale", "credit-note"]
    refund_id: int | None
    shape: str
    total: Money
    currency: str
    asked_at: Instant


class ClientResource(Resource):
    """The client in Balance that represents the buyer."""

    client: str
    code: str | None
    how: Literal["found", "created"]
    retail: bool
    detail: str


class AddressResource(Resource):
    """An address."""

    first_name: str
    last_name: str
    company: str
    address_1: str
    address_2: str
    city: str
    state: str
    postcode: str
    country: str


class PersonResource(Resource):
    """The buyer in full; only where people were asked for."""

    billing: AddressResource
    shipping: AddressResource
    email: str
    phone: str
    personal_id: str | None
    company_id: str | None
    comment: str


class OrderDetailAnswer(Answer):
    """Everything about one order. `person` is null unless people were asked for, and after the person was forgotten."""

    order: OrderResource
    lines: list[OrderLineResource]
    documents: list[DocumentResource]
    refunds: list[RefundResource]
    timeline: list[HistoryResource]
    dead_letters: list[DeadLetterResource]
    approvals: list[ApprovalRequestResource]
    client: ClientResource | None
    person: PersonResource | None


def order_content(found: OrderDetail) -> dict[str, Any]:
    """The fields of an answer about an order, still as the query found them."""
    content = {name: getattr(found, name) for name in OrderDetail.__slots__}
    documents = [document_content(one) for one in found.documents]
    return content | {"order": content.pop("summary"), "documents": documents}


def document_content(found: DocumentDetail) -> dict[str, Any]:
    """The fields of a document."""
    return {
        **dict(found.row),
        "kind": found.row.document,
        "lines": found.lines,
        "sent": found.sent,
        "parts": found.parts,
    }
