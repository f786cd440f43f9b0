"""From WooCommerce's refund to the fact `RefundIssued`: negative lines become positive and name the order's lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from contracts.reasons import Reason
from contracts.shop import LineKind, LineTax, RefundIssued, RefundLine
from services.connectors.woocommerce.order import order_name
from services.connectors.woocommerce.order_json import LineJson, OrderJson, RefundedLineJson, RefundJson
from services.connectors.woocommerce.person import IdentityKeys, person_of
from services.connectors.woocommerce.read import meta_text, named, reading

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

    What is given back is positive; the refund of a negative fee is therefore negative. Shipping and fees have the
    quantity 1. Raises `ReadError` (`shop.order-invalid`, `shop.refund-invalid`), naming order, refund and field.
    """
    with reading(order_name(shop, order_json), Reason.SHOP_ORDER_INVALID):
        order = OrderJson.model_validate(order_json)
    what = f"{order_name(shop, order_json)}, {named('refund', refund_json)}"
    with reading(what, Reason.SHOP_REFUND_INVALID):
        refund = RefundJson.model_validate(refund_json)
        return _fact(shop, order, refund, IdentityKeys.of(personal_id_keys, company_id_keys))


def _fact(shop: str, order: OrderJson, refund: RefundJson, keys: IdentityKeys) -> RefundIssued:
    person = person_of(shop, order, keys, refund.reason)
    return RefundIssued(
        shop=shop,
        order_id=order.id,
        refund_id=refund.id,
        currency=order.currency,
        amount=refund.amount,
        lines=_lines(refund),
        created_at=refund.date_created_gmt,
        person_ref=person.person_ref,
        person=person,
    )


def _lines(refund: RefundJson) -> tuple[RefundLine, ...]:
    products = [_product_line(line) for line in refund.line_items]
    shipping = [_line(line, "shipping", line.method_title) for line in refund.shipping_lines]
    return (*products, *shipping, *(_line(line, "fee", line.name) for line in refund.fee_lines))


def _product_line(line: RefundedLineJson) -> RefundLine:
    given = {"product_id": line.product_id, "variation_id": line.variation_id, "sku": line.sku}
    return _line(line, "product", line.name, -line.quantity, **given)


def _line(line: LineJson, kind: LineKind, name: str, quantity: Decimal = Decimal(1), **product: Any) -> RefundLine:
    return RefundLine(
        line_id=line.id,
        refunded_line_id=_original(line),
        kind=kind,
        name=name,
        quantity=quantity,
        total=-line.total,
        total_tax=-line.total_tax,
        taxes=tuple(LineTax(rate_id=tax.id, total=-tax.total) for tax in line.taxes),
        **product,
    )


def _original(line: LineJson) -> int | None:
    """The order's line that this gives back; None when the shop does not say."""
    text = meta_text(line.meta_data, ORIGINAL) or ""
    return int(text) if text.isascii() and text.isdigit() else None
