"""Lines of a refund: copies of the order's lines with negative figures."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from services.sandbox.woocommerce import meta
from services.sandbox.woocommerce.money import decimal, number, trimmed, two
from services.sandbox.woocommerce.order_totals import PARTS
from services.sandbox.woocommerce.shop import Document, Shop
from services.sandbox.woocommerce.stock import whole


def refund_lines(shop: Shop, order: Document, sent: list[Document]) -> Document:
    """`{"line_items", "shipping_lines", "fee_lines"}` for what was sent; ids that the order lacks are ignored."""
    asked = {entry["id"]: entry for entry in sent if entry.get("id") is not None and not _empty(entry)}
    return {
        part: [_line(shop, line, asked[line["id"]]) for line in order[part] if line["id"] in asked] for part in PARTS
    }


def _empty(entry: Document) -> bool:
    return not (whole(entry.get("quantity") or 0) or decimal(entry.get("refund_total")) or _taxes(entry))


def _taxes(entry: Document) -> dict[Any, Decimal]:
    return {tax["id"]: decimal(tax.get("refund_total")) for tax in entry.get("refund_tax") or []}


def _line(shop: Shop, line: Document, entry: Document) -> Document:
    net, taxes = decimal(entry.get("refund_total")), _taxes(entry)
    figures = {"total": two(-net), "total_tax": two(-sum(taxes.values(), Decimal(0)))}
    made = {**line, "id": shop.item_ids(), **figures}
    made["meta_data"] = [meta.displayed(shop.meta_ids(), "_refunded_item_id", str(line["id"]))]
    if "quantity" not in line:
        return made | {"taxes": [{"id": rate, "total": trimmed(-tax), "subtotal": ""} for rate, tax in taxes.items()]}
    quantity = whole(entry.get("quantity") or 0)
    listed = [{"id": rate, "total": trimmed(-tax), "subtotal": trimmed(-tax)} for rate, tax in taxes.items()]
    same = {"subtotal": figures["total"], "subtotal_tax": figures["total_tax"]}
    return made | same | {"quantity": -quantity, "taxes": listed, "price": _price(net, quantity)}


def _price(net: Decimal, quantity: int) -> int | float:
    return number(net / quantity) if quantity else 0
