"""From WooCommerce's order to the fact `OrderChanged`: figures as answered, nothing computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from contracts.reasons import Reason
from contracts.shop import LineTax, OrderChanged, OrderLine, TaxRate
from services.connectors.woocommerce.order_json import (
    FeeLineJson,
    LineJson,
    OrderedLineJson,
    OrderJson,
    ShippingLineJson,
    TaxLineJson,
)
from services.connectors.woocommerce.person import IdentityKeys, person_of
from services.connectors.woocommerce.read import Odd, field_error, meta_text, named, reading, wrong
from services.connectors.woocommerce.store_credit import store_credits

PICKUP_KEYS = ("pickup_location",)
"""API fact: the block checkout's local pickup names the chosen place in this custom field of the shipping line."""


def order_changed(
    shop: str,
    json: Mapping[str, Any],
    *,
    personal_id_keys: Sequence[str] = (),
    company_id_keys: Sequence[str] = (),
    payment_reference_keys: Sequence[str] = (),
) -> OrderChanged:
    """The fact about an order; `changed` is left empty, the feed knows what was there before.

    `payment_reference_keys`: custom fields with the references of gateway or bank; all that are filled count.
    Lines come as products, shipping, fees. Raises `ReadError` (`shop.order-invalid`), naming order and field.
    """
    with reading(order_name(shop, json), Reason.SHOP_ORDER_INVALID):
        order = OrderJson.model_validate(json)
        fact = _fact(shop, order, IdentityKeys.of(personal_id_keys, company_id_keys))
        references = _references(order, payment_reference_keys)
        return fact.model_copy(update={"payment_references": references, "store_credits": store_credits(json)})


def _references(order: OrderJson, keys: Sequence[str]) -> tuple[str, ...]:
    found = (meta_text(order.meta_data, (key,)) for key in keys)
    return tuple(dict.fromkeys(text for text in found if text))


def order_name(shop: str, json: Mapping[str, Any]) -> str:
    """How an order is named to a person."""
    return f"shop {shop}: {named('order', json)}"


def _fact(shop: str, order: OrderJson, keys: IdentityKeys) -> OrderChanged:
    person = person_of(shop, order, keys, order.customer_note)
    return OrderChanged(
        shop=shop,
        order_id=order.id,
        number=order.number or str(order.id),
        status=order.status,
        currency=order.currency,
        created_via=order.created_via,
        payment_method=order.payment_method,
        transaction_id=order.transaction_id,
        prices_include_tax=order.prices_include_tax,
        total=order.total,
        total_tax=order.taxed,
        lines=_lines(order),
        tax_rates=_rates(order),
        coupon_codes=tuple(coupon.code for coupon in order.coupon_lines if coupon.code),
        refund_ids=tuple(sorted(refund.id for refund in order.refunds)),
        customer_id=order.customer_id,
        parent_id=order.parent_id if order.parent_id != order.id else 0,
        created_at=order.date_created_gmt,
        modified_at=order.date_modified_gmt or order.date_created_gmt,
        paid_at=order.date_paid_gmt,
        completed_at=order.date_completed_gmt,
        person_ref=person.person_ref,
        person=person,
    )


def _lines(order: OrderJson) -> tuple[OrderLine, ...]:
    products = [_product_line(line) for line in order.line_items]
    shipping = [_shipping_line(line) for line in order.shipping_lines]
    return (*products, *shipping, *(_fee_line(line) for line in order.fee_lines))


def _product_line(line: OrderedLineJson) -> OrderLine:
    subtotal, subtotal_tax = line.before_discount
    return OrderLine(
        line_id=line.id,
        kind="product",
        name=line.name,
        product_id=line.product_id,
        variation_id=line.variation_id,
        sku=line.sku,
        quantity=line.quantity,
        subtotal=subtotal,
        subtotal_tax=subtotal_tax,
        total=line.total,
        total_tax=line.total_tax,
        tax_class=line.tax_class,
        taxes=line_taxes(line),
    )


def _shipping_line(line: ShippingLineJson) -> OrderLine:
    return OrderLine(
        line_id=line.id,
        kind="shipping",
        name=line.method_title,
        method_id=line.method_id,
        instance_id=line.instance_id,
        pickup_point=meta_text(line.meta_data, PICKUP_KEYS) or "",
        subtotal=line.total,
        subtotal_tax=line.total_tax,
        total=line.total,
        total_tax=line.total_tax,
        taxes=line_taxes(line),
    )


def _fee_line(line: FeeLineJson) -> OrderLine:
    return OrderLine(
        line_id=line.id,
        kind="fee",
        name=line.name,
        subtotal=line.total,
        subtotal_tax=line.total_tax,
        total=line.total,
        total_tax=line.total_tax,
        tax_class=line.tax_class,
        taxes=line_taxes(line),
    )


def line_taxes(line: LineJson) -> tuple[LineTax, ...]:
    """A line's tax by rate."""
    return tuple(LineTax(rate_id=tax.id, total=tax.total) for tax in line.taxes)


def _rates(order: OrderJson) -> tuple[TaxRate, ...]:
    """The rates that can be read. Raises `ValidationError` for a percentage that cannot and that a line needs."""
    used = {tax.id for line in order.lines for tax in line.taxes}
    rates = (_rate(place, line, line.rate_id in used) for place, line in enumerate(order.tax_lines))
    return tuple(rate for rate in rates if rate is not None)


def _rate(place: int, line: TaxLineJson, used: bool) -> TaxRate | None:
    percent = line.rate_percent
    if line.rate_id is None or not isinstance(percent, Decimal) or percent < 0:
        if used:
            raise field_error(("tax_lines", place, "rate_percent"), wrong("is not a percentage"), percent)
        return None
    return TaxRate(
        rate_id=line.rate_id,
        code=line.rate_code,
        label=line.label,
        percent=percent,
        compound=line.compound,
        tax_total=_figure(line.tax_total),
        shipping_tax_total=_figure(line.shipping_tax_total),
    )


def _figure(stated: Decimal | Odd | None) -> Decimal:
    return stated if isinstance(stated, Decimal) else Decimal(0)
