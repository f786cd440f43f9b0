"""Turns WooCommerce's refund into the fact `RefundIssued`, with positive lines that name the order's lines.

WooCommerce states lines and quantities of a refund as negative (WooCommerce fact 56).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from contracts.reasons import Reason
from contracts.shop import LineKind, LineTax, RefundIssued, RefundLine
from services.connectors.woocommerce.customers import IdentityKeys, person_of
from services.connectors.woocommerce.order import name_order
from services.connectors.woocommerce.order_json import LineJson, OrderJson, RefundedLineJson, RefundJson
from services.connectors.woocommerce.read import name_record, read_meta_text, reading_record

ORIGINAL = ("_refunded_item_id",)


def refund_issued(
    shop: str,
    order_json: Mapping[str, Any],
    refund_json: Mapping[str, Any],
    *,
    personal_id_keys: Sequence[str] = (),
    company_id_keys: Sequence[str] = (),
) -> RefundIssued:
    """The fact about a refund of this order; `changed` is left empty.

    Refunded amounts are positive; the refund of a negative fee is therefore negative. Shipping and fees have the
    quantity 1. Raises `ReadError` (`shop.order-invalid`, `shop.refund-invalid`), naming order, refund and field.
    """
    with reading_record(name_order(shop, order_json), Reason.SHOP_ORDER_INVALID):
        order = OrderJson.model_validate(order_json)
    what = f"{name_order(shop, order_json)}, {name_record('refund', refund_json)}"
    with reading_record(what, Reason.SHOP_REFUND_INVALID):
        refund = RefundJson.model_validate(refund_json)
        return _build_fact(shop, order, refund, IdentityKeys.of(personal_id_keys, company_id_keys))


def _build_fact(shop: str, order: OrderJson, refund: RefundJson, keys: IdentityKeys) -> RefundIssued:
    person = person_of(shop, order, keys, refund.reason)
    return RefundIssued(
        shop=shop,
        order_id=order.id,
        refund_id=refund.id,
        currency=order.currency,
        amount=refund.amount,
        lines=_read_lines(refund),
        created_at=refund.date_created_gmt,
        person_ref=person.person_ref,
        person=person,
    )


def _read_lines(refund: RefundJson) -> tuple[RefundLine, ...]:
    products = [_read_product_line(line) for line in refund.line_items]
    shipping = [_read_line(line, "shipping", line.method_title) for line in refund.shipping_lines]
    return (*products, *shipping, *(_read_line(line, "fee", line.name) for line in refund.fee_lines))


def _read_product_line(line: RefundedLineJson) -> RefundLine:
    given = {"product_id": line.product_id, "variation_id": line.variation_id, "sku": line.sku}
    return _read_line(line, "product", line.name, -line.quantity, **given)


def _read_line(line: LineJson, kind: LineKind, name: str, quantity: Decimal = Decimal(1), **product: Any) -> RefundLine:
    return RefundLine(
        line_id=line.id,
        refunded_line_id=_find_original(line),
        kind=kind,
        name=name,
        quantity=quantity,
        total=-line.total,
        total_tax=-line.total_tax,
        taxes=tuple(LineTax(rate_id=tax.id, total=-tax.total) for tax in line.taxes),
        **product,
    )


def _find_original(line: LineJson) -> int | None:
    """The id of the refunded line of the order; None if the shop does not state it."""
    text = read_meta_text(line.meta_data, ORIGINAL) or ""
    return int(text) if text.isascii() and text.isdigit() else None
