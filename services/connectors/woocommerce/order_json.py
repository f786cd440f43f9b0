"""The shape of WooCommerce's orders and refunds, as far as documents and stock need them.

Open enums (status, payment method, origin) are plain texts: plugins add their own words. Amounts are net and tax apart.
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
    absent,
    private,
    wrong,
)

NOTHING = Decimal(0)


def _applied(taxes: Any) -> Any:
    """The taxes of a line; a rate that does not apply stands there with an empty total."""
    rows = php.entries(taxes)
    if rows is None:
        raise wrong("is not a list")
    return [row for row in rows if not (isinstance(row, dict) and php.is_absent(row.get("total")))]


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise wrong("must not be negative")
    return value


def _given_back(value: Decimal) -> Decimal:
    if value > 0:
        raise wrong("has the wrong sign: what a refund gives back is negative")
    return value


def _filled(value: str) -> str:
    if not value:
        raise absent()
    return value


def _currency(value: str) -> str:
    code = value.upper()
    if not (code.isascii() and code.isalpha() and len(code) == 3):
        raise wrong("is not a currency code")
    return code


def _account(value: Any) -> int:
    """An account's number; 0 for a guest."""
    found = 0 if php.is_absent(value) else php.whole(value)
    if found is None or found < 0:
        raise private("is not an account number")
    return found


Needed = Annotated[Scalar, AfterValidator(_filled)]
"""A word that must be there."""
Currency = Annotated[Needed, AfterValidator(_currency)]
ParentId = Annotated[Reference, Field(ge=0)]
ModifiedAt = Annotated[datetime | None, PlainValidator(php.moment)]
"""When a record was saved last; None where the shop does not say, or not in a way that can be read."""


class TaxJson(Answered):
    """What one rate came to on a line."""

    id: Whole
    total: Amount


class LineJson(Answered):
    """What product, shipping and fee lines have in common; a line without `total_tax` and `taxes` is untaxed."""

    id: Id
    total: Amount
    stated_tax: OptionalAmount = Field(default=None, alias="total_tax")
    taxes: Annotated[tuple[TaxJson, ...], BeforeValidator(_applied)] = ()
    tax_class: Word = ""
    meta_data: Metas = ()

    @model_validator(mode="after")
    def _tax_is_stated(self) -> LineJson:
        if self.stated_tax is None and any(tax.total for tax in self.taxes):
            raise wrong("states tax by rate and no total_tax")
        return self

    @property
    def total_tax(self) -> Decimal:
        """The line's tax."""
        return self.stated_tax or NOTHING


class ProductLineJson(LineJson):
    """A product line; `sku` and `product_id` are empty when the product was deleted or never was."""

    name: Label = ""
    product_id: Reference = 0
    variation_id: Reference = 0
    sku: Word = ""
    quantity: Amount


class OrderedLineJson(ProductLineJson):
    """A product line of an order."""

    quantity: Annotated[Amount, AfterValidator(_not_negative)]
    subtotal: OptionalAmount = None
    subtotal_tax: OptionalAmount = None

    @property
    def before_discount(self) -> tuple[Decimal, Decimal]:
        """Net and tax before coupons; what the line comes to where the shop does not say."""
        tax = NOTHING if self.subtotal_tax is None and not self.total_tax else self.subtotal_tax
        if self.subtotal is None or tax is None:
            return self.total, self.total_tax
        return self.subtotal, tax


class RefundedLineJson(ProductLineJson):
    """A product line of a refund."""

    quantity: Annotated[Amount, AfterValidator(_given_back)]


class ShippingLineJson(LineJson):
    """A shipping line."""

    method_title: Label = ""
    method_id: Word = ""
    instance_id: Word = ""


class FeeLineJson(LineJson):
    """A fee line; its amount may be negative."""

    name: Label = ""


class TaxLineJson(Answered):
    """A rate of the order. It is read as far as it goes: only a rate that a line names is needed."""

    rate_id: Annotated[int | None, PlainValidator(php.whole)] = None
    rate_code: Label = ""
    label: Label = ""
    rate_percent: Figure = None
    compound: Yes = False
    tax_total: Figure = None
    shipping_tax_total: Figure = None


class CouponLineJson(Answered):
    """A coupon; its amounts are not read, they are wrong too often (order-money rule 8)."""

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
    customer_id: Annotated[int, PlainValidator(_account)] = 0
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
        """The order's tax; where the shop does not say, that of its lines."""
        return sum((line.total_tax for line in self.lines), NOTHING) if self.total_tax is None else self.total_tax


class RefundJson(Answered):
    """A refund from `GET /orders/{id}/refunds`: the amount is positive, lines and quantities are negative."""

    id: Id
    amount: Annotated[Amount, AfterValidator(_not_negative)]
    reason: Text = ""
    date_created_gmt: Moment
    line_items: Annotated[tuple[RefundedLineJson, ...], Rows] = ()
    shipping_lines: Annotated[tuple[ShippingLineJson, ...], Rows] = ()
    fee_lines: Annotated[tuple[FeeLineJson, ...], Rows] = ()
