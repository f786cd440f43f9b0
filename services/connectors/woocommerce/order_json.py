"""The JSON of WooCommerce's orders and refunds, as far as documents and stock need it.

Open enums (status, payment method, origin) are plain texts, since plugins add values. Amounts are net, with tax apart
(WooCommerce fact 38).
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, model_validator

from services.connectors.woocommerce import php
from services.connectors.woocommerce.read import (
    Amount,
    Answered,
    Figure,
    Flag,
    Id,
    Label,
    Metas,
    Moment,
    OptionalAmount,
    OptionalMoment,
    Records,
    Reference,
    Rows,
    Scalar,
    Table,
    Text,
    Whole,
    Word,
    Yes,
    empty_error,
    private_value_error,
    value_error,
)

NOTHING = Decimal(0)


def _select_applied(taxes: Any) -> Any:
    """The taxes of a line; a rate that does not apply has an empty total (WooCommerce fact 39)."""
    rows = php.entries(taxes)
    if rows is None:
        raise value_error("is not a list")
    return [row for row in rows if not (isinstance(row, dict) and php.is_absent(row.get("total")))]


def _require_not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise value_error("must not be negative")
    return value


def _require_not_positive(value: Decimal) -> Decimal:
    if value > 0:
        raise value_error("has the wrong sign: quantities of a refund are negative")
    return value


def _require_filled(value: str) -> str:
    if not value:
        raise empty_error()
    return value


def _parse_currency(value: str) -> str:
    code = value.upper()
    if not (code.isascii() and code.isalpha() and len(code) == 3):
        raise value_error("is not a currency code")
    return code


def _parse_account(value: Any) -> int:
    """The id of an account; 0 for a guest."""
    found = 0 if php.is_absent(value) else php.whole(value)
    if found is None or found < 0:
        raise private_value_error("is not an account number")
    return found


Needed = Annotated[Scalar, AfterValidator(_require_filled)]
"""A word that must not be empty."""
Currency = Annotated[Needed, AfterValidator(_parse_currency)]
ParentId = Annotated[Reference, Field(ge=0)]
ModifiedAt = Annotated[datetime | None, PlainValidator(php.moment)]
"""When a record was last saved; None if the shop does not state it, or not readably."""


class TaxJson(Answered):
    """The tax of one rate on a line."""

    id: Whole
    total: Amount


class LineJson(Answered):
    """The common fields of product, shipping and fee lines; a line without `total_tax` and `taxes` is untaxed."""

    id: Id
    total: Amount
    stated_tax: OptionalAmount = Field(default=None, alias="total_tax")
    taxes: Annotated[tuple[TaxJson, ...], BeforeValidator(_select_applied)] = ()
    tax_class: Word = ""
    meta_data: Metas = ()

    @model_validator(mode="after")
    def _tax_is_stated(self) -> LineJson:
        if self.stated_tax is None and any(tax.total for tax in self.taxes):
            raise value_error("states tax by rate but no total_tax")
        return self

    @property
    def total_tax(self) -> Decimal:
        """The line's tax."""
        return self.stated_tax or NOTHING


class ProductLineJson(LineJson):
    """A product line; `sku` and `product_id` are empty if the product does not exist (WooCommerce fact 52)."""

    name: Label = ""
    product_id: Reference = 0
    variation_id: Reference = 0
    sku: Word = ""
    quantity: Amount


class OrderedLineJson(ProductLineJson):
    """A product line of an order."""

    quantity: Annotated[Amount, AfterValidator(_require_not_negative)]
    subtotal: OptionalAmount = None
    subtotal_tax: OptionalAmount = None

    @property
    def before_discount(self) -> tuple[Decimal, Decimal]:
        """Net and tax before coupons; the line's totals if the shop does not state them."""
        tax = NOTHING if self.subtotal_tax is None and not self.total_tax else self.subtotal_tax
        if self.subtotal is None or tax is None:
            return self.total, self.total_tax
        return self.subtotal, tax


class RefundedLineJson(ProductLineJson):
    """A product line of a refund."""

    quantity: Annotated[Amount, AfterValidator(_require_not_positive)]


class ShippingLineJson(LineJson):
    """A shipping line."""

    method_title: Label = ""
    method_id: Word = ""
    instance_id: Word = ""


class FeeLineJson(LineJson):
    """A fee line; its amount may be negative."""

    name: Label = ""


class TaxLineJson(Answered):
    """A rate of the order. Only a rate used by a line must be readable."""

    rate_id: Annotated[int | None, PlainValidator(php.whole)] = None
    rate_code: Label = ""
    label: Label = ""
    rate_percent: Figure = None
    compound: Yes = False
    tax_total: Figure = None
    shipping_tax_total: Figure = None


class CouponLineJson(Answered):
    """A coupon; its amounts are not read, since they are often wrong (rule 8)."""

    code: Word = ""


class RefundRefJson(Answered):
    """A refund, as the order mentions it."""

    id: Id


class AddressJson(Answered):
    """A billing or shipping address."""

    first_name: Text = ""
    last_name: Text = ""
    company: Text = ""
    address_1: Text = ""
    address_2: Text = ""
    city: Text = ""
    state: Text = ""
    postcode: Text = ""
    country: Text = ""
    email: Word = ""
    phone: Word = ""


NO_ADDRESS = AddressJson()
PostalAddress = Annotated[AddressJson, Table]


class OrderJson(Answered):
    """`GET /orders/{id}`."""

    id: Id
    number: Word = ""
    status: Needed
    currency: Currency
    created_via: Word = ""
    payment_method: Word = ""
    transaction_id: Word = ""
    prices_include_tax: Flag = False
    total: Amount
    total_tax: OptionalAmount = None
    customer_id: Annotated[int, PlainValidator(_parse_account)] = 0
    parent_id: ParentId = 0
    customer_note: Text = ""
    billing: PostalAddress = NO_ADDRESS
    shipping: PostalAddress = NO_ADDRESS
    meta_data: Metas = ()
    line_items: Annotated[tuple[OrderedLineJson, ...], Rows]
    shipping_lines: Annotated[tuple[ShippingLineJson, ...], Rows] = ()
    fee_lines: Annotated[tuple[FeeLineJson, ...], Rows] = ()
    tax_lines: Annotated[tuple[TaxLineJson, ...], Records] = ()
    coupon_lines: Annotated[tuple[CouponLineJson, ...], Records] = ()
    refunds: Annotated[tuple[RefundRefJson, ...], Rows] = ()
    date_created_gmt: Moment
    date_modified_gmt: ModifiedAt = None
    date_paid_gmt: OptionalMoment = None
    date_completed_gmt: OptionalMoment = None

    @property
    def lines(self) -> tuple[LineJson, ...]:
        """Products, shipping, fees."""
        return (*self.line_items, *self.shipping_lines, *self.fee_lines)

    @property
    def taxed(self) -> Decimal:
        """The order's tax; if the shop does not state it, the sum of its lines."""
        return sum((line.total_tax for line in self.lines), NOTHING) if self.total_tax is None else self.total_tax


class RefundJson(Answered):
    """A refund from `GET /orders/{id}/refunds`: the amount is positive, lines and quantities are negative."""

    id: Id
    amount: Annotated[Amount, AfterValidator(_require_not_negative)]
    reason: Text = ""
    date_created_gmt: Moment
    line_items: Annotated[tuple[RefundedLineJson, ...], Rows] = ()
    shipping_lines: Annotated[tuple[ShippingLineJson, ...], Rows] = ()
    fee_lines: Annotated[tuple[FeeLineJson, ...], Rows] = ()
