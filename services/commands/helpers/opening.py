"""A shop's stock as a file for the accountant: to take stock into the books is an accounting act (claim S2.24)."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

from services.shared.woocommerce.product import Product

COLUMNS = ("sku", "name", "quantity", "product_id", "variation_id", "balance_uid", "status")
Row = tuple[str, str, str, int, str, str, str]


class Shelves(Protocol):
    """A shop whose products can be gone through. It is only read."""

    def every_product(self) -> AsyncIterator[Product]: ...


async def rows(shop: Shelves, meta_key: str) -> list[Row]:
    """Every product and variation whose stock the shop manages, by SKU; what it does not count is left out."""
    found = [product async for product in shop.every_product() if product.stock_quantity is not None]
    return [_row(product, meta_key) for product in sorted(found, key=lambda product: (product.sku, product.id))]


def _row(product: Product, meta_key: str) -> Row:
    parent, variation = (product.parent_id, str(product.id)) if product.is_variation else (product.id, "")
    uid = str(product.meta.get(meta_key) or "")
    return product.sku, product.name, f"{product.stock_quantity:f}", parent, variation, uid, product.status


def write(found: Sequence[Row], path: Path) -> None:
    """As CSV that a spreadsheet opens with Georgian letters."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *found])
