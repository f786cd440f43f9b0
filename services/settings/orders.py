"""When and how orders and refunds become documents."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import Field, model_validator

from services.settings.base import Amount, Section
from services.settings.clients import ClientSettings
from services.settings.order_rules import DocumentSettings, SubOrder

# Where a shop's return requests are read: goods that a buyer wants to give back, before the shop refunds anything.


class ReturnFields(Section):
    """What the shop's plugin calls the fields of a request; each plugin has names of its own."""

    requests: str = Field(default="requests", min_length=1, description="the list, where an object holds it")
    id: str = Field(default="id", min_length=1, description="a request's own number; none: its place in the list")
    lines: str = Field(default="lines", min_length=1, description="what a request asks for")
    line: str = Field(default="line_id", min_length=1, description="the order's line; it counts before the others")
    product: str = Field(default="product_id", min_length=1, description="product or variation")
    sku: str = Field(default="sku", min_length=1)
    quantity: str = Field(default="quantity", min_length=1)


class ReturnSettings(Section):
    """`davtari push return-request` plans the credit note of a request; nothing is written to Balance or the shop."""

    source: Literal["off", "meta", "rest"] = Field(
        default="off", description="meta: a custom field of the order; rest: a route of the shop's own"
    )
    meta_key: str = Field(default="", description="meta: the custom field that holds the requests, as JSON")
    path: str = Field(
        default="",
        pattern=r"^(/wp-json/[^?#]*\{order\}[^?#]*)?$",
        description="rest: `/wp-json/wc-returns/v1/orders/{order}`; WooCommerce's keys open only wc/… and wc-… routes",
    )
    fields: ReturnFields = ReturnFields()

    @model_validator(mode="after")
    def _source_is_named(self) -> ReturnSettings:
        if self.source == "meta" and not self.meta_key:
            raise ValueError('source = "meta" needs meta-key: the custom field that holds the return requests')
        if self.source == "rest" and not self.path:
            raise ValueError('source = "rest" needs path, with {order} in place of the order number')
        return self


# Who makes the credit notes of a shop's refunds.


class RefundSettings(Section):
    """`manual`: a live flow writes no credit note, plans each one, and day-close lists what waits (claim S2.11)."""

    policy: Literal["automatic", "manual"] = Field(
        default="automatic", description="manual: the accountant makes each credit note by hand"
    )


# Which payments become documents of their own in Balance, and on which accounts.


class PaymentMethod(Section):
    """How the money of one payment method arrives, as Balance's administrator books it."""

    document: Literal["bank", "cash"] = Field(
        default="bank", description="which of `balance.dialect`'s two receipts it becomes"
    )
    account: str = Field(min_length=1, description="PaymentAccount: where the money arrives")
    type: str | None = Field(default=None, description="PaymentType, where Balance asks for one")
    settled: Literal["paid", "completed", "remitted", "never"] = Field(
        default="paid",
        description="when the money is there: once the order is paid, or completed; when a person says so with "
        "`davtari payment` (a courier's remittance, an invoice); never, if others book it",
    )
    after_days: int = Field(default=0, ge=0, le=90, description="so many days later: a bank that pays instalments out")
    fee_percent: Amount = Field(default=Decimal(0), ge=0, lt=100, description="what gateway or bank keep of it")
    fee_fixed: Amount = Field(default=Decimal(0), ge=0, description="and besides, in the order's currency")
    fee_account: str | None = Field(default=None, description="FeeAccount: where their fee is booked")


class PaymentSettings(Section):
    """Receipts; none is made before `flows.payments` says so."""

    since: date | None = Field(default=None, description="the first day (in Tbilisi) whose payments become receipts")
    methods: dict[str, PaymentMethod] = Field(default_factory=dict, description="WooCommerce payment method → rules")
    refunded: Literal["nothing", "negative"] = Field(
        default="nothing", description="money given back: left to the bank statement, or a receipt below zero"
    )


AfterSale = Literal["report", "credit", "credit-and-new-sale"]
STORE_CREDIT = "store-credit"
"""The name under which `payments` says how Balance books what store credit or a gift card paid."""


class PaymentPosting(Section):
    """How Balance books the payments of one method, as its administrator names them there."""

    type: str = Field(min_length=1, description="PaymentType")
    account: str = Field(min_length=1, description="PaymentAccount")


class OrderSettings(DocumentSettings):
    """When and how an order becomes a Sale."""

    trigger: dict[str, tuple[str, ...]] = Field(
        default_factory=lambda: {"default": ("processing", "completed"), "cod": ("completed",)},
        description="payment method → statuses that make a Sale; `default` for the rest",
    )
    require_paid: bool = Field(default=True, description="a `default` trigger also needs date_paid")
    hold: float = Field(default=0.0, ge=0, description="seconds to wait after the trigger")
    waiting_statuses: tuple[str, ...] = Field(
        default=(), description="a plugin's statuses in which a paid order rightly waits for its trigger"
    )
    sub_orders: dict[str, SubOrder] = Field(
        default_factory=dict,
        description="created_via of an order with a parent → what it is: part-of-parent (the parent's Sale holds it) "
        "or own-order (a deposit's second half, a renewal); `default` for the rest; none: it waits for a person",
    )
    warehouse: str | None = None
    retail_client: str | None = None
    create_clients: bool = True
    personal_id_keys: tuple[str, ...] = Field(
        default=("_billing_personal_id", "billing_personal_id", "_wc_other/davtari/personal-id"),
        description="custom fields of an order that may hold the personal id; the first filled counts",
    )
    company_id_keys: tuple[str, ...] = Field(
        default=("_billing_company_code", "billing_company_code", "_wc_other/davtari/company-id"),
        description="the same for a company's number",
    )
    payment_reference_keys: tuple[str, ...] = Field(
        default=(), description="custom fields of an order that hold the bank's or gateway's own references"
    )
    shipping_item: str | None = None
    fee_item: str | None = None
    negative_goods: Literal["discount", "park"] = Field(
        default="discount",
        description="a line of goods with a negative amount: on the fee item, taking no goods, or for a person",
    )
    store_credit: Literal["park", "payment"] = Field(
        default="park",
        description="an order partly paid by store credit or gift card whose total is lower by that: for a person; or "
        'booked in full, with that part as a payment of the method "store-credit" in `payments`',
    )
    rounding_item: str | None = None
    rounding_cap: Amount = Decimal("0.05")
    amount_item: str | None = Field(default=None, description="service item for amount-only refunds")
    vat_rates: dict[str, str] = Field(
        default_factory=lambda: {"18": "ჩვეულებრივი", "0": "ნულოვანი", "none": "დღგ-ის გარეშე"},
        description="VAT percent of the order's rate → Balance's VAT rate (text or uid); `none` for untaxed lines; "
        "`exempt:0` for one tax class alone",
    )
    tax_classes: tuple[str, ...] = Field(
        default=("standard", "reduced-rate", "zero-rate"),
        description="tax classes that were looked at: an order with a line of another one waits for a person",
    )
    after_sale: AfterSale = Field(
        default="report",
        description="an order changed after its Sale: only report it; credit the Sale of one given up; or credit and "
        "write the Sale of an edited one again (orders with refunds are reported)",
    )
    refund_rate: Literal["sale", "day"] = Field(
        default="sale", description="rate of a refund in another currency: that of its Sale, or of its own day"
    )
    locked_until: date | None = Field(
        default=None, description="the last closed day: corrections and refunds are dated after it, Sales in it wait"
    )
    max_lines: int = Field(
        default=5000, ge=1, description="an order with more lines waits for a person: it may be an attack or a mistake"
    )
    approve_first: int = Field(
        default=0, ge=0, description="so many documents of each new shape wait for the accountant's approval; 0: none"
    )
    payments: dict[str, PaymentPosting] = Field(
        default_factory=dict, description="payment method → type and account of the payment inside the Sale; none: off"
    )
    price_as: Literal["discounted", "price-and-discount"] = "discounted"
    clients: ClientSettings = ClientSettings()

    @model_validator(mode="after")
    def _settings_agree(self) -> OrderSettings:
        if self.store_credit == "payment" and STORE_CREDIT not in self.payments:
            raise ValueError(f'store-credit = "payment" needs payments.{STORE_CREDIT}: type and account in Balance')
        if self.sale_price_as == "discount" and self.price_as == "discounted":
            raise ValueError('sale-price-as = "discount" needs price-as = "price-and-discount"')
        return self
