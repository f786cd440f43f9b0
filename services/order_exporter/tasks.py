"""The payloads of the deliveries: all that the effect upstream and the event after it need."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from contracts.clients import ContactField, Side
from contracts.ledger import DocumentPart, RecordedLine
from contracts.model import Instant, Money, Part, Quantity
from contracts.placement import Pieces
from services.settings.clients import Policy


class SaleTask(Part):
    """A Sale to be written. `document` is its JSON; the rest is what `SaleRecorded` will say.

    `revision` counts the Sales of this order that were credited whole before. `short_stock` says what becomes of it
    when Balance lacks the goods (`pieces`), and `again` that this has happened before.
    `parts` are there where the goods leave several warehouses; `document` is the first of them. `person` holds the
    fields of the document that name or locate somebody: they are sent, and stand in no event.
    """

    shop: str
    order_id: int
    order_version: int
    content_digest: str
    buyer: str | None = None
    order_tax: Money | None = None
    sale: str
    client: str
    date: str
    currency: str
    total: Money
    vat: Money
    lines: tuple[RecordedLine, ...]
    notes: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()
    revision: int = 0
    currency_rate: Quantity | None = None
    pieces: tuple[Pieces, ...] = ()
    short_stock: Literal["park", "wait", "unposted"] = "park"
    again: bool = False
    posted: bool = True
    parts: tuple[DocumentPart, ...] = ()
    document: dict[str, Any]
    person_ref: str | None = None
    person: dict[str, Any] | None = None


class SalesOrderTask(Part):
    """A sales order to be written, or (`ends`) to reserve nothing any more. `document` is its JSON."""

    shop: str
    order_id: int
    order_version: int
    content_digest: str
    sales_order: str
    client: str
    date: str
    currency: str
    total: Money
    vat: Money
    lines: tuple[RecordedLine, ...]
    document: dict[str, Any]
    ends: Literal["sold", "given-up"] | None = None


class ClientTask(Part):
    """A client to be found by number, or created. All personal data stands in `person`, the client's JSON.

    `by` contact: to be found by the phone and e-mail in `person` alone, never created. `retail` is the client to use
    when none is found and none may be created (`create` is false).
    """

    shop: str
    order_id: int
    person_ref: str
    identity: str
    create: bool
    retail: str | None
    by: Literal["number", "contact"] = "number"
    person: dict[str, Any]


class ContactTask(Part):
    """The contacts of a client to be merged with those of its buyer (services/accounting/contacts.py).

    `person` holds what the order says (`order`) and what both sides said when they were last looked at (`base`).
    """

    shop: str
    order_id: int
    order_at: Instant
    client: str
    customer_id: int
    policies: dict[ContactField, Policy]
    changed_field: str = ""
    settled: dict[ContactField, Side] = Field(default_factory=dict)
    commands: tuple[str, ...] = ()
    person_ref: str
    person: dict[str, Any]


# The payload of a delivery: all that the receipt in Balance and the event after it need.


class ReceiptTask(Part):
    """A receipt to be written. `document` is its JSON; the rest is what `PaymentRecorded` will say."""

    shop: str
    order_id: int
    payment: str
    receipt: str
    resource: str
    sale: str
    client: str
    date: str
    amount: Money
    fee: Money
    currency: str
    method: str
    reference: str
    document: dict[str, Any]
