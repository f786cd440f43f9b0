"""What was put into the books: clients, Sales, credit notes; and what would be, in dry-run."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field

from contracts.delivery_ids import order_key
from contracts.model import Content, Event, Instant, Money, Part, Quantity, ShopId, Uid, Whole

NO_REFUND = 0
"""The refund id of a reversal, which belongs to no refund; further reversals of the same order count down from it."""


def is_reversal(refund_id: int) -> bool:
    """Whether a credit note with this refund id reverses a whole Sale, rather than crediting a refund of the shop."""
    return refund_id <= NO_REFUND


class Attempt(Part):
    """One attempt that did not simply succeed: when, its outcome, and the message."""

    at: Instant
    outcome: Literal["retry", "blocked", "refused", "unknown", "done"]
    detail: str


class RecordedLine(Part):
    """A document line as it was recorded: its order line, which item, how much, and its uid in Balance.

    In a credit note `quantity` is what came back (0 where only money did), and `sale_line` the position, from 1, of
    the Sale's line that it takes back.
    """

    order_line_id: Whole | None
    kind: Literal["product", "shipping", "fee", "rounding", "amount"]
    item: Uid
    quantity: Quantity
    amount: Money
    vat: Money
    vat_percent: Quantity | None = None
    balance_line_uid: str | None = None
    sale_line: Whole | None = None


RateSource = Literal["balance", "setting", "sale"]
"""Who states a currency's rate: Balance for the day of the document, our settings, or the Sale that is taken back."""


class DocumentPart(Part):
    """One of the Balance documents that a Sale or credit note consists of, where the goods leave several warehouses.

    `positions` (from 1) are those of the whole's lines that it holds, `sent` is its JSON; `base` is the part of the
    Sale that a part of a credit note belongs to.
    """

    document: Uid
    warehouse: str
    number: str | None = None
    base: Uid | None = None
    total: Money
    positions: tuple[Whole, ...]
    sent: Content


class _LedgerEvent(Event):
    TOPIC: ClassVar[str] = "ledger.documents"
    DOCUMENT: ClassVar[str]
    shop: ShopId
    order_id: Whole = Field(gt=0)

    @property
    def key(self) -> str:
        return order_key(self.shop, self.order_id)

    @property
    def subject(self) -> str:
        return f"{self.key}:{self.DOCUMENT}"


class ClientRecorded(_LedgerEvent):
    """The Balance client that represents a person: found there, created by us, or the retail client.

    `identity` is opaque: the uid derived from the personal or company number (or from phone and e-mail, where they
    count). `retail`: Balance knows no such client and none may be created, or several, as `detail` says: this order
    alone goes to the retail client. `code` is the client's own in Balance, which assigns it.
    """

    TYPE: ClassVar[str] = "davtari.ClientRecorded.v1"
    DOCUMENT: ClassVar[str] = "client"
    person_ref: str
    client: Uid
    how: Literal["found", "created"]
    identity: str | None = None
    retail: bool = False
    code: str | None = None
    detail: str = ""
    recorded_at: Instant
    attempts: tuple[Attempt, ...] = ()


class _SaleEvent(_LedgerEvent):
    DOCUMENT: ClassVar[str] = "sale"
    sale: Uid
    client: Uid
    date: str
    total: Money
    vat: Money
    currency: str
    lines: tuple[RecordedLine, ...]
    order_version: Whole
    content_digest: str
    buyer: str | None = Field(
        default=None, description="opaque: the number that the order's buyer gave; empty: none; null: not recorded"
    )
    resolved: tuple[str, ...] = Field(
        default=(), description="lines whose own product is not linked, and the item that each was taken for"
    )
    order_tax: Money | None = Field(
        default=None, description="the tax that the order's lines stated; null: not recorded"
    )
    currency_rate: Quantity | None = None
    rate_source: RateSource | None = None
    sent: Content
    parts: tuple[DocumentPart, ...] = Field(default=(), description="empty where it is one document")


class SaleRecorded(_SaleEvent):
    """A Sale that exists in Balance and was read back. `differences` is empty when it equals what was sent.

    One that is not `posted` waits for the accountant there, and has taken nothing out of the stock yet.
    """

    TYPE: ClassVar[str] = "davtari.SaleRecorded.v1"
    how: Literal["written", "adopted"]
    number: str | None = None
    waybill: str | None = Field(default=None, description="the number of its waybill, if Balance showed one by then")
    posted: bool = True
    differences: tuple[str, ...] = ()
    recorded_at: Instant
    attempts: tuple[Attempt, ...] = ()


class SalePlanned(_SaleEvent):
    """The Sale that would be written if the orders flow were live."""

    TYPE: ClassVar[str] = "davtari.SalePlanned.v1"
    DOCUMENT: ClassVar[str] = "sale-plan"
    planned_at: Instant


class SaleDiverged(_LedgerEvent):
    """An order that was changed after its Sale was recorded: reported, never overwritten.

    `what` happened to it: `equal-again` revokes an earlier report. `policy` is the one that held when it was
    seen: a stricter one that is set later corrects nothing that people have seen to meanwhile.
    """

    TYPE: ClassVar[str] = "davtari.SaleDiverged.v1"
    DOCUMENT: ClassVar[str] = "sale-diverged"
    sale: Uid
    recorded_total: Money
    order_total: Money
    order_version: Whole
    detail: str
    what: Literal["edited", "given-up", "removed", "equal-again"] | None = None
    policy: Literal["report", "credit", "credit-and-new-sale"] = "report"
    content_digest: str = ""
    observed_at: Instant


class _CreditNoteEvent(_LedgerEvent):
    DOCUMENT: ClassVar[str] = "credit-note"
    refund_id: Whole
    credit_note: Uid
    sale: Uid
    date: str
    total: Money
    vat: Money
    currency: str
    lines: tuple[RecordedLine, ...]
    content_digest: str
    currency_rate: Quantity | None = None
    rate_source: RateSource | None = None
    sent: Content
    parts: tuple[DocumentPart, ...] = Field(default=(), description="empty where it is one document")

    @property
    def subject(self) -> str:
        return f"{self.key}:{self.DOCUMENT}:{self.refund_id}"


class CreditNoteRecorded(_CreditNoteEvent):
    """A credit note that exists in Balance, bound to its Sale, and was read back."""

    TYPE: ClassVar[str] = "davtari.CreditNoteRecorded.v1"
    how: Literal["written", "adopted"]
    number: str | None = None
    differences: tuple[str, ...] = ()
    recorded_at: Instant
    attempts: tuple[Attempt, ...] = ()


class CreditNotePlanned(_CreditNoteEvent):
    """The credit note that would be written if the refunds flow were live."""

    TYPE: ClassVar[str] = "davtari.CreditNotePlanned.v1"
    DOCUMENT: ClassVar[str] = "credit-note-plan"
    planned_at: Instant


class NothingToCredit(_LedgerEvent):
    """A refund of an order that has no Sale and gets none: nothing is in the books that it could take out of them."""

    TYPE: ClassVar[str] = "davtari.NothingToCredit.v1"
    DOCUMENT: ClassVar[str] = "nothing-to-credit"
    refund_id: Whole
    amount: Money
    currency: str
    why: str
    seen_at: Instant

    @property
    def subject(self) -> str:
        return f"{self.key}:{self.DOCUMENT}:{self.refund_id}"


class _PaymentEvent(_LedgerEvent):
    """`payment` names it within its order: `order`, `refund-1051`, or a digest of what a person has entered.

    `reference` holds what gateway, bank or courier call it; `fee` is what they keep of the amount. A negative amount
    was given back.
    """

    DOCUMENT: ClassVar[str] = "payment"
    payment: str
    receipt: Uid
    resource: str
    sale: Uid
    client: Uid
    date: str
    amount: Money
    fee: Money = Decimal(0)
    currency: str
    method: str
    reference: str = ""
    sent: Content

    @property
    def subject(self) -> str:
        return f"{self.key}:{self.DOCUMENT}:{self.payment}"


class PaymentRecorded(_PaymentEvent):
    """A receipt that exists in Balance, bound to its Sale, and was read back."""

    TYPE: ClassVar[str] = "davtari.PaymentRecorded.v1"
    how: Literal["written", "adopted"]
    number: str | None = None
    differences: tuple[str, ...] = ()
    recorded_at: Instant
    attempts: tuple[Attempt, ...] = ()


class PaymentPlanned(_PaymentEvent):
    """The receipt that would be written if the payments flow were live."""

    TYPE: ClassVar[str] = "davtari.PaymentPlanned.v1"
    DOCUMENT: ClassVar[str] = "payment-plan"
    planned_at: Instant
