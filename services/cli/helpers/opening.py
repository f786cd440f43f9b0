"""A shop's stock as a file for the accountant: to take stock into the books is an accounting act (claim S2.24)."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from contracts.reasons import Reason
from services.connectors.http.unreadable import Unreadable, readable
from services.connectors.woocommerce.product import Product
from services.connectors.woocommerce.read import Odd

COLUMNS = ("sku", "name", "quantity", "product_id", "variation_id", "balance_uid", "status")
Row = tuple[str, str, str, int, str, str, str]


class Shelves(Protocol):
    """A shop whose products can be gone through. It is only read."""

    def every_product(self) -> AsyncIterator[Product | Unreadable]: ...


async def rows(shop: Shelves, meta_key: str) -> tuple[list[Row], list[Unreadable]]:
    """Every product and variation whose stock the shop manages, by SKU, and those that could not be read."""
    left_out: list[Unreadable] = []
    counted: list[tuple[Product, Decimal]] = []
    async for product in readable(shop.every_product(), left_out):
        if isinstance(product.stock_quantity, Odd):
            left_out.append(_odd_stock(product, product.stock_quantity))
        elif product.stock_quantity is not None:
            counted.append((product, product.stock_quantity))
    counted.sort(key=lambda pair: (pair[0].sku, pair[0].id))
    return [_row(product, quantity, meta_key) for product, quantity in counted], left_out


def _odd_stock(product: Product, stock: Odd) -> Unreadable:
    what = f"product {product.id} with SKU {product.sku}"
    return Unreadable(Reason.SHOP_BAD_ANSWER, f'{what}: its stock is "{stock}", which is not a quantity')


def _row(product: Product, quantity: Decimal, meta_key: str) -> Row:
    parent, variation = (product.parent_id, str(product.id)) if product.is_variation else (product.id, "")
    uid = str(product.meta.get(meta_key) or "")
    return product.sku, product.name, f"{quantity:f}", parent, variation, uid, product.status


def write(found: Sequence[Row], path: Path) -> None:
    """As CSV that a spreadsheet opens with Georgian letters."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *found])
