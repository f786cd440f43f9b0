"""The payloads of the deliveries: what the effect upstream and the event after it need."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from contracts.clients import ContactField, Side
from contracts.ledger import DocumentPart, RecordedLine
from contracts.model import Instant, Money, Part, Quantity
from contracts.placement import Pieces
from services.settings.clients import Policy


class SaleTask(Part):
    """A Sale to be written. `document` is its JSON; the other fields are for `SaleRecorded`.

    `revision` counts the Sales of this order that were reversed before. `short_stock` is the policy if Balance lacks
    the goods (`pieces`), and `again` states that this happened before. `parts` are the documents of several warehouses;
    `document` is the first of them. `person` contains the fields with personal data: they are sent, and are in no
    event.
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
    """A sales order to be written, or (`ends`) whose reserve is removed. `document` is its JSON."""

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
    """A client to be found by number, or created. All personal data is in `person`, the client's JSON.

    `by` contact: to be found by the phone and e-mail in `person`, never created. `retail` is the client to use if none
    is found and none may be created (`create` is false).
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

    `person` contains the contacts in the order (`order`), and those of both sides at the last merge (`base`).
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


class ReceiptTask(Part):
    """A receipt to be written. `document` is its JSON; the other fields are for `PaymentRecorded`."""

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
