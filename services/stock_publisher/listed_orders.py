"""Orders as the shop's list shows them, read for their pieces alone: whatever else stands in a row does not matter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from services.connectors.woocommerce import php
from services.connectors.woocommerce.read import amount
from services.stock_publisher.shop_order import Asked, Shown, added_up


def listed(shop: str, row: Mapping[str, Any]) -> Shown | None:
    """An order from a row of the list; None for a row that names no order."""
    number = php.whole(row.get("id"))
    if not number or number < 0:
        return None
    lines, whole = _lines(row.get("line_items"))
    parent = _id(row.get("parent_id"))
    return Shown(
        shop=shop,
        order_id=number,
        number=_word(row.get("number")) or str(number),
        status=_word(row.get("status")),
        asked=added_up(lines),
        refund_ids=tuple(sorted(_refunds(row.get("refunds")))),
        parent_id=parent if parent != number else 0,
        created_via=_word(row.get("created_via")),
        paid_at=php.moment(row.get("date_paid_gmt")),
        completed_at=php.moment(row.get("date_completed_gmt")),
        modified_at=php.moment(row.get("date_modified_gmt")) or php.moment(row.get("date_created_gmt")),
        read=False,
        whole=whole,
    )


def _lines(value: Any) -> tuple[list[Asked], bool]:
    """The lines that take goods, and whether all could be read."""
    entries = php.entries(value)
    found = [_line(entry) for entry in entries or ()]
    return [line for line in found if line is not None], entries is not None and None not in found


def _line(entry: Any) -> Asked | None:
    """A line; None where its pieces cannot be read. One with a negative amount takes no goods."""
    quantity = amount(entry.get("quantity")) if isinstance(entry, Mapping) else None
    if quantity is None:
        return None
    negative = any((amount(entry.get(name)) or 0) < 0 for name in ("subtotal", "total"))
    product = _id(entry.get("variation_id")) or _id(entry.get("product_id"))
    pieces = Decimal(0) if negative else quantity
    return Asked(product=product, sku=_word(entry.get("sku")), quantity=pieces)


def _refunds(value: Any) -> Iterator[int]:
    for refund in php.records(value):
        if number := php.whole(refund.get("id")):
            yield number


def _id(value: Any) -> int:
    return max(php.whole(value) or 0, 0)


def _word(value: Any) -> str:
    return (php.text(value) or "").strip()
