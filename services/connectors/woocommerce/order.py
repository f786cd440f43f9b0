"""Turns WooCommerce's order into the fact `OrderChanged`: figures as answered, nothing computed.

WooCommerce has no payment by store credit or gift card of its own: plugins lower the total and leave their figures in
custom fields, in coupons with a type of their own, or in a list of gift cards. Codes of cards and coupons are worth
money, so none of them is stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from contracts.model import ABSURD
from contracts.money import to_tetri
from contracts.reasons import Reason
from contracts.shop import LineTax, OrderChanged, OrderLine, StoreCredit, TaxRate
from services.connectors.woocommerce.customers import IdentityKeys, person_of
from services.connectors.woocommerce.order_json import (
    FeeLineJson,
    LineJson,
    OrderedLineJson,
    OrderJson,
    ShippingLineJson,
    TaxLineJson,
)
from services.connectors.woocommerce.read import (
    OddValue,
    build_field_error,
    name_record,
    read_meta_text,
    reading_record,
    value_error,
)

PICKUP_KEYS = ("pickup_location",)
"""WooCommerce fact 46: the block checkout's local pickup names the place in this custom field of the shipping line."""
STORE_CREDIT_NAMES = re.compile(
    r"gift[_\- ]?(card|cert|voucher)|store[_\- ]?credit|smart[_\- ]?coupon|account[_\- ]?funds|funds[_\- ]used|"
    r"wallet|ywgc|_cart_discount|credit[_\- ](used|applied|redeemed)|pw_gift",
    re.IGNORECASE,
)
AMOUNTS = ("amount", "total", "used", "value", "discount")
"""Keys for the amount in a plugin's own record of a payment."""
MAX_NAME = 60


def order_changed(
    shop: str,
    json: Mapping[str, Any],
    *,
    personal_id_keys: Sequence[str] = (),
    company_id_keys: Sequence[str] = (),
    payment_reference_keys: Sequence[str] = (),
) -> OrderChanged:
    """The fact about an order; `changed` is left empty, since only the feed knows the previous state.

    `payment_reference_keys`: custom fields with references of gateway or bank; all filled ones are used.
    Lines come as products, shipping, fees. Raises `ReadError` (`shop.order-invalid`), naming order and field.
    """
    with reading_record(name_order(shop, json), Reason.SHOP_ORDER_INVALID):
        order = OrderJson.model_validate(json)
        fact = _build_fact(shop, order, IdentityKeys.of(personal_id_keys, company_id_keys))
        references = _read_references(order, payment_reference_keys)
        return fact.model_copy(update={"payment_references": references, "store_credits": store_credits(json)})


def _read_references(order: OrderJson, keys: Sequence[str]) -> tuple[str, ...]:
    found = (read_meta_text(order.meta_data, (key,)) for key in keys)
    return tuple(dict.fromkeys(text for text in found if text))


def name_order(shop: str, json: Mapping[str, Any]) -> str:
    """The name of an order in messages."""
    return f"shop {shop}: {name_record('order', json)}"


def _build_fact(shop: str, order: OrderJson, keys: IdentityKeys) -> OrderChanged:
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
        lines=_read_lines(order),
        tax_rates=_read_rates(order),
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


def _read_lines(order: OrderJson) -> tuple[OrderLine, ...]:
    products = [_read_product_line(line) for line in order.line_items]
    shipping = [_read_shipping_line(line) for line in order.shipping_lines]
    return (*products, *shipping, *(_read_fee_line(line) for line in order.fee_lines))


def _read_product_line(line: OrderedLineJson) -> OrderLine:
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
        taxes=_read_line_taxes(line),
    )


def _read_shipping_line(line: ShippingLineJson) -> OrderLine:
    return OrderLine(
        line_id=line.id,
        kind="shipping",
        name=line.method_title,
        method_id=line.method_id,
        instance_id=line.instance_id,
        pickup_point=read_meta_text(line.meta_data, PICKUP_KEYS) or "",
        subtotal=line.total,
        subtotal_tax=line.total_tax,
        total=line.total,
        total_tax=line.total_tax,
        taxes=_read_line_taxes(line),
    )


def _read_fee_line(line: FeeLineJson) -> OrderLine:
    return OrderLine(
        line_id=line.id,
        kind="fee",
        name=line.name,
        subtotal=line.total,
        subtotal_tax=line.total_tax,
        total=line.total,
        total_tax=line.total_tax,
        tax_class=line.tax_class,
        taxes=_read_line_taxes(line),
    )


def _read_line_taxes(line: LineJson) -> tuple[LineTax, ...]:
    """A line's tax by rate."""
    return tuple(LineTax(rate_id=tax.id, total=tax.total) for tax in line.taxes)


def _read_rates(order: OrderJson) -> tuple[TaxRate, ...]:
    """The rates that can be read. Raises `ValidationError` if a line needs one that cannot."""
    used = {tax.id for line in order.lines for tax in line.taxes}
    rates = (_read_rate(place, line, line.rate_id in used) for place, line in enumerate(order.tax_lines))
    return tuple(rate for rate in rates if rate is not None)


def _read_rate(place: int, line: TaxLineJson, used: bool) -> TaxRate | None:
    percent = line.rate_percent
    if line.rate_id is None or not isinstance(percent, Decimal) or percent < 0:
        if used:
            raise build_field_error(("tax_lines", place, "rate_percent"), value_error("is not a percentage"), percent)
        return None
    return TaxRate(
        rate_id=line.rate_id,
        code=line.rate_code,
        label=line.label,
        percent=percent,
        compound=line.compound,
        tax_total=_figure_or_zero(line.tax_total),
        shipping_tax_total=_figure_or_zero(line.shipping_tax_total),
    )


def _figure_or_zero(stated: Decimal | OddValue | None) -> Decimal:
    return stated if isinstance(stated, Decimal) else Decimal(0)


def store_credits(json: Mapping[str, Any]) -> tuple[StoreCredit, ...]:
    """The signs that store credit paid a part, each with the shop's name for it; an amount of 0 is no sign."""
    found = [
        *_read_credit_fields(_dicts_in(json.get("meta_data"))),
        *_read_credit_coupons(_dicts_in(json.get("coupon_lines"))),
    ]
    found += [StoreCredit(name="gift_cards", amount=_sum_amounts(card)) for card in _dicts_in(json.get("gift_cards"))]
    return tuple(dict.fromkeys(credit for credit in found if credit.amount != 0))


def _read_credit_fields(fields: Iterable[Mapping[str, Any]]) -> Iterator[StoreCredit]:
    for field in fields:
        key, value = field.get("key"), field.get("value")
        if isinstance(key, str) and STORE_CREDIT_NAMES.search(key) and value not in (None, "", False, [], {}):
            yield StoreCredit(name=key[:MAX_NAME], amount=_sum_amounts(value))


def _read_credit_coupons(coupons: Iterable[Mapping[str, Any]]) -> Iterator[StoreCredit]:
    for coupon in coupons:
        type_ = coupon.get("discount_type")
        if isinstance(type_, str) and STORE_CREDIT_NAMES.search(type_):
            yield StoreCredit(name=type_[:MAX_NAME], amount=_sum_amounts(coupon.get("discount")))


def _dicts_in(value: Any) -> Iterator[Mapping[str, Any]]:
    rows = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (row for row in rows if isinstance(row, dict))


def _sum_amounts(value: Any) -> Decimal | None:
    """The amount in a plugin's value: a number, an amount in a record, or the sum of several; else None."""
    if isinstance(value, dict):
        named = [value[name] for name in AMOUNTS if name in value]
        return _sum_amounts(named[0]) if named else _sum(value.values())
    return _sum(value) if isinstance(value, list) else _number(value)


def _sum(values: Iterable[Any]) -> Decimal | None:
    amounts = [_sum_amounts(value) for value in values]
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(amounts) else None


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        amount = Decimal(str(value)).copy_abs()
    except InvalidOperation:
        return None
    return to_tetri(amount) if amount.is_finite() and amount < ABSURD else None
