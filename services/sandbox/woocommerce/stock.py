"""Managed stock: whole pieces, absolute writes, a status that follows the quantity."""

from __future__ import annotations

import re
from typing import Any

from services.sandbox.woocommerce.resource import truthy
from services.sandbox.woocommerce.shop import Document

LEADING_INTEGER = re.compile(r"\s*-?\d+")


def blank() -> Document:
    """The stock of a product that is not managed."""
    return {
        "manage_stock": False,
        "stock_quantity": None,
        "stock_status": "instock",
        "backorders": "no",
        "low_stock_amount": None,
    }


def restock(document: Document, body: Document) -> None:
    """Writes the stock of a body into a product.

    API facts (recorded): an unmanaged product ignores the quantity and keeps a sent status; a managed one ignores the
    status; `inventory_delta` adds to the quantity; fractions are cut off.
    """
    if body.get("manage_stock") is not None:
        document["manage_stock"] = truthy(body["manage_stock"])
    if body.get("backorders") in ("no", "notify", "yes"):
        document["backorders"] = body["backorders"]
    if not document["manage_stock"]:
        document["stock_quantity"] = None
        document["stock_status"] = body.get("stock_status") or document["stock_status"]
        return
    set_quantity(document, _quantity(document, body))


def _quantity(document: Document, body: Document) -> int:
    held = document["stock_quantity"] or 0
    if body.get("stock_quantity") is not None:
        return whole(body["stock_quantity"])
    return held + whole(body.get("inventory_delta", 0))


def set_quantity(document: Document, quantity: int) -> None:
    """Sets a managed product's quantity and the status that follows from it."""
    document["stock_quantity"] = quantity
    behind = "onbackorder" if document["backorders"] != "no" else "outofstock"
    document["stock_status"] = "instock" if quantity > 0 else behind


def whole(value: Any) -> int:
    """A quantity as PHP casts it: 5.5 is 5, "abc" is 0."""
    if isinstance(value, int | float):
        return int(value)
    read = LEADING_INTEGER.match(str(value))
    return int(read.group()) if read else 0
