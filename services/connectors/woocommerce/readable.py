"""What can be read of an order that cannot be read as a whole: its stock is reserved by it, and a person sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from contracts.shop import ReadableLine
from services.connectors.woocommerce import php
from services.connectors.woocommerce.read import amount


def readable_parts(json: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `OrderUnreadable` that the order's JSON shows; what cannot be read is left empty."""
    return {
        "number": php.text(json.get("number")) or "",
        "status": (php.text(json.get("status")) or "").strip(),
        "created_via": php.text(json.get("created_via")) or "",
        "parent_id": _id(json.get("parent_id")),
        "lines": tuple(_lines(json)),
        "created_at": php.moment(json.get("date_created_gmt")),
        "paid_at": php.moment(json.get("date_paid_gmt")),
        "modified_at": modified_at(json),
    }


def modified_at(json: Mapping[str, Any]) -> datetime | None:
    """When the order was changed last, as far as its JSON says so."""
    return php.moment(json.get("date_modified_gmt"))


def _lines(json: Mapping[str, Any]) -> Iterator[ReadableLine]:
    for line in php.records(json.get("line_items")):
        quantity, product = amount(line.get("quantity")), _id(line.get("product_id"))
        total = amount(line.get("total")) or Decimal(0)
        sku = (php.text(line.get("sku")) or "").strip()
        if quantity is None or quantity <= 0 or total < 0 or not (product or sku):
            continue
        yield ReadableLine(product_id=product, variation_id=_id(line.get("variation_id")), sku=sku, quantity=quantity)


def _id(value: Any) -> int:
    return max(php.whole(value) or 0, 0)
