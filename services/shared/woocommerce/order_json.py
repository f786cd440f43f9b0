"""The shape of WooCommerce's orders and refunds, as far as we read them.

Open enums (status, payment method, origin) are plain texts: plugins add their own words. Amounts are net and tax apart.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from services.shared.woocommerce.read import (
    Amount,
    Answered,
    Label,
    Metas,
    Moment,
    OptionalMoment,
    Rows,
    Table,
    Text,
    Whole,
)

Id = Annotated[Whole, Field(gt=0)]


def _applied(taxes: Any) -> Any:
    """A rate that does not apply to a line stands there with an empty total."""
    rows = list(taxes.values()) if isinstance(taxes, dict) else taxes
    if not isinstance(rows, list):
        return rows
    return [row for row in rows if not (isinstance(row, dict) and row.get("total") in ("", None))]


class TaxJson(Answered):
    """What one rate came to on a line."""

    id: Whole
    total: Amount


class LineJson(Answered):
    """What product, shipping and fee lines have in common."""

    id: Id
    total: Amount
    total_tax: Amount
    taxes: Annotated[tuple[TaxJson, ...], BeforeValidator(_applied)] = ()
    tax_class: Text = ""
    meta_data: Metas = ()


class ProductLineJson(LineJson):
    """A product line; `sku` and `product_id` are empty when the product was deleted or never was."""

    name: Label = ""
    product_id: Annotated[Whole, BeforeValidator(lambda value: value or 0)] = 0
    variation_id: Annotated[Whole, BeforeValidator(lambda value: value or 0)] = 0
    sku: Text = ""
    quantity: Amount
    subtotal: Amount
    subtotal_tax: Amount


class OrderedLineJson(ProductLineJson):
    """A product line of an order."""

    quantity: Annotated[Amount, Field(ge=0)]


class RefundedLineJson(ProductLineJson):
    """A product line of a refund."""

    quantity: Annotated[Amount, Field(le=0)]


class ShippingLineJson(LineJson):
    """A shipping line."""

    method_title: Label = ""
    method_id: Text = ""
    instance_id: Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, str | int) else "")] = ""


class FeeLineJson(LineJson):
    """A fee line; its amount may be negative."""

    name: Label = ""


class TaxLineJson(Answered):
    """A rate that the order uses."""

    rate_id: Whole
    rate_code: Label = ""
    label: Label = ""
    rate_percent: Annotated[Amount, Field(ge=0)]
    compound: bool = False
    tax_total: Amount
    shipping_tax_total: Amount


class CouponLineJson(Answered):
    """A coupon; its amounts are not read, they are wrong too often (order-money rule 8)."""

    code: Text = ""


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
    email: Annotated[Text, AfterValidator(str.strip)] = ""
    phone: Annotated[Text, AfterValidator(str.strip)] = ""


NO_ADDRESS = AddressJson()
PostalAddress = Annotated[AddressJson, Table]


class OrderJson(Answered):
    """`GET /orders/{id}`."""

    id: Id
    number: Annotated[str, Field(min_length=1)]
    status: Annotated[str, Field(min_length=1)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    created_via: Text = ""
    payment_method: Text = ""
    transaction_id: Text = ""
    prices_include_tax: bool
    total: Amount
    total_tax: Amount
    customer_id: Annotated[Whole, Field(ge=0)] = 0
    parent_id: Annotated[Whole, BeforeValidator(lambda value: value or 0), Field(ge=0)] = 0
    customer_note: Text = ""
    billing: PostalAddress = NO_ADDRESS
    shipping: PostalAddress = NO_ADDRESS
    meta_data: Metas = ()
    line_items: Annotated[tuple[OrderedLineJson, ...], Rows]
    shipping_lines: Annotated[tuple[ShippingLineJson, ...], Rows]
    fee_lines: Annotated[tuple[FeeLineJson, ...], Rows]
    tax_lines: Annotated[tuple[TaxLineJson, ...], Rows]
    coupon_lines: Annotated[tuple[CouponLineJson, ...], Rows] = ()
    refunds: Annotated[tuple[RefundRefJson, ...], Rows] = ()
    date_created_gmt: Moment
    date_modified_gmt: OptionalMoment = None
    date_paid_gmt: OptionalMoment = None
    date_completed_gmt: OptionalMoment = None


class RefundJson(Answered):
    """A refund from `GET /orders/{id}/refunds`: the amount is positive, lines and quantities are negative."""

    id: Id
    amount: Annotated[Amount, Field(ge=Decimal(0))]
    reason: Text = ""
    date_created_gmt: Moment
    line_items: Annotated[tuple[RefundedLineJson, ...], Rows] = ()
    shipping_lines: Annotated[tuple[ShippingLineJson, ...], Rows] = ()
    fee_lines: Annotated[tuple[FeeLineJson, ...], Rows] = ()
