"""What store-feed states about a shop: orders and refunds, canonical and whole.

Amounts are WooCommerce's own answered figures (net and tax apart); nothing is computed here. Personal data is
only in `person` (on the wire: in `sealed`), under the opaque `person_ref`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field

from contracts.delivery_ids import order_key, refund_key
from contracts.model import Event, Exact, Instant, Money, Part, Quantity, Sealed, ShopId, Whole

LineKind = Literal["product", "shipping", "fee"]


class Address(Part):
    """A postal address as the shop holds it."""

    first_name: str = ""
    last_name: str = ""
    company: str = ""
    address_1: str = ""
    address_2: str = ""
    city: str = ""
    state: str = ""
    postcode: str = ""
    country: str = ""


class Person(Part):
    """All personal data of an event, in one part, so that it can be encrypted or forgotten apart."""

    person_ref: str
    billing: Address = Address()
    shipping: Address = Address()
    email: str = ""
    phone: str = ""
    personal_id: str | None = None
    company_id: str | None = None
    comment: str = ""


class LineTax(Part):
    """The tax of one line at one rate; a rate id joins it to the order's `tax_lines`."""

    rate_id: Whole
    total: Money


class OrderLine(Part):
    """A product, shipping or fee line: net and tax as WooCommerce answered them.

    Of a shipping line `instance_id` states which instance of the method it is (each belongs to one zone), and
    `pickup_point` where the buyer collects the goods.
    """

    line_id: Whole
    kind: LineKind
    name: str = ""
    product_id: Whole = 0
    variation_id: Whole = 0
    sku: str = ""
    method_id: str = ""
    instance_id: str = ""
    pickup_point: str = ""
    quantity: Quantity = Decimal(1)
    subtotal: Money
    subtotal_tax: Money
    total: Money
    total_tax: Money
    tax_class: str = ""
    taxes: tuple[LineTax, ...] = ()


class TaxRate(Part):
    """A tax rate that the order uses, with what it came to."""

    rate_id: Whole
    code: str = Field(default="", description="the shop's name of the rate, e.g. `GE-VAT-1`")
    label: str = ""
    percent: Exact = Decimal(0)
    compound: bool = False
    tax_total: Money
    shipping_tax_total: Money


class StoreCredit(Part):
    """A sign that store credit or a gift card paid for a part of an order: what the shop calls it.

    `amount` is what it says was paid that way; null where it names none.
    """

    name: str
    amount: Money | None = None


class _OrderEvent(Event):
    TOPIC: ClassVar[str] = "shop.orders"
    shop: ShopId
    order_id: Whole = Field(gt=0)

    @property
    def key(self) -> str:
        return order_key(self.shop, self.order_id)


class OrderChanged(_OrderEvent):
    """An order of a shop, whole, as it was last read."""

    TYPE: ClassVar[str] = "davtari.OrderChanged.v1"
    number: str
    status: str
    currency: str
    created_via: str = ""
    payment_method: str = ""
    transaction_id: str = ""
    payment_references: tuple[str, ...] = ()
    prices_include_tax: bool
    total: Money
    total_tax: Money
    lines: tuple[OrderLine, ...]
    tax_rates: tuple[TaxRate, ...] = ()
    coupon_codes: tuple[str, ...] = ()
    refund_ids: tuple[Whole, ...] = ()
    customer_id: Whole = 0
    parent_id: Whole = Field(default=0, description="the order that this one belongs to; 0: it has no parent")
    store_credits: tuple[StoreCredit, ...] = ()
    created_at: Instant
    modified_at: Instant
    paid_at: Instant | None = None
    completed_at: Instant | None = None
    person_ref: str
    person: Person | None = None
    sealed: Sealed = None
    changed: tuple[str, ...] = ()


class OrderRemoved(_OrderEvent):
    """An order that the shop no longer holds (trashed or deleted)."""

    TYPE: ClassVar[str] = "davtari.OrderRemoved.v1"
    observed_at: Instant


class ReadableLine(Part):
    """A product line of an order that cannot be read as a whole: which product, and how many pieces."""

    product_id: Whole = 0
    variation_id: Whole = 0
    sku: str = ""
    quantity: Quantity


class OrderUnreadable(_OrderEvent):
    """What the shop answers about an order is not taken as its state; `reason` is a reason code, `detail` says why.

    The last `OrderChanged` of the order, if there is one, stays what is known of it; the next `OrderChanged` or
    `OrderRemoved` replaces this. `lines` are the product lines that could be read, for whoever reserves stock. Every
    other field is empty where it could not be read. `seen_modified_at`: the newest modification time that the shop
    has shown for the order elsewhere, where its answer is older than that.
    """

    TYPE: ClassVar[str] = "davtari.OrderUnreadable.v1"
    reason: str
    detail: str
    number: str = ""
    status: str = ""
    created_via: str = ""
    parent_id: Whole = 0
    lines: tuple[ReadableLine, ...] = ()
    created_at: Instant | None = None
    paid_at: Instant | None = None
    modified_at: Instant | None = None
    seen_modified_at: Instant | None = None
    observed_at: Instant


class RefundLine(Part):
    """What a refund gives back on one line; amounts and quantity are positive."""

    line_id: Whole
    refunded_line_id: Whole | None
    kind: LineKind
    product_id: Whole = 0
    variation_id: Whole = 0
    sku: str = ""
    name: str = ""
    quantity: Quantity
    total: Money
    total_tax: Money
    taxes: tuple[LineTax, ...] = ()


class _RefundEvent(Event):
    TOPIC: ClassVar[str] = "shop.refunds"
    shop: ShopId
    order_id: Whole = Field(gt=0)
    refund_id: Whole = Field(gt=0)

    @property
    def key(self) -> str:
        return order_key(self.shop, self.order_id)

    @property
    def subject(self) -> str:
        return refund_key(self.key, self.refund_id)


class RefundIssued(_RefundEvent):
    """A refund of an order, whole. `amount` is what was given back, gross and positive."""

    TYPE: ClassVar[str] = "davtari.RefundIssued.v1"
    currency: str
    amount: Money
    lines: tuple[RefundLine, ...] = ()
    created_at: Instant
    person_ref: str
    person: Person | None = None
    sealed: Sealed = None
    changed: tuple[str, ...] = ()


class RefundRemoved(_RefundEvent):
    """A refund that was deleted in the shop after it had been issued."""

    TYPE: ClassVar[str] = "davtari.RefundRemoved.v1"
    observed_at: Instant


class RefundUnreadable(_RefundEvent):
    """A refund that cannot be taken as it is answered; `reason` is a reason code, `detail` says why.

    A `RefundIssued` of it that was stated before stays what is known; the next `RefundIssued` or `RefundRemoved`
    replaces this. The order's own fact and its other refunds are not held up by it.
    """

    TYPE: ClassVar[str] = "davtari.RefundUnreadable.v1"
    reason: str
    detail: str
    amount: Money | None = None
    observed_at: Instant
