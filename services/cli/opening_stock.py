"""`davtari opening-stock`: a shop's stock as a file; only the accountant enters stock in the books (claim S2.24)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from contracts.reasons import Reason
from services.cli.command import FAILED, Shop, command, read_settings, select_shop
from services.cli.csv_file import write_csv
from services.cli.screen import console, report_unreadable
from services.connectors.http.listing import UnreadableRecord, skip_unreadable
from services.connectors.upstreams import open_shop
from services.connectors.woocommerce.product import Product
from services.connectors.woocommerce.read import OddValue
from services.engine.clock import utc_now

STOCK_COLUMNS = ("sku", "name", "quantity", "product_id", "variation_id", "balance_uid", "status")
StockRow = tuple[str, str, Decimal, int, str, str, str]


class ProductListing(Protocol):
    """The part of a shop that is read."""

    def every_product(self) -> AsyncIterator[Product | UnreadableRecord]: ...


async def read_stock_rows(shop: ProductListing, meta_key: str) -> tuple[list[StockRow], list[UnreadableRecord]]:
    """All products and variations with managed stock, by SKU, and the unreadable ones."""
    left_out: list[UnreadableRecord] = []
    counted: list[tuple[Product, Decimal]] = []
    async for product in skip_unreadable(shop.every_product(), left_out):
        if isinstance(product.stock_quantity, OddValue):
            left_out.append(_invalid_stock(product, product.stock_quantity))
        elif product.stock_quantity is not None:
            counted.append((product, product.stock_quantity))
    counted.sort(key=lambda pair: (pair[0].sku, pair[0].id))
    return [_row(product, quantity, meta_key) for product, quantity in counted], left_out


def _invalid_stock(product: Product, stock: OddValue) -> UnreadableRecord:
    what = f"product {product.id} with SKU {product.sku}"
    return UnreadableRecord(Reason.SHOP_BAD_ANSWER, f'{what}: its stock is "{stock}", which is not a quantity')


def _row(product: Product, quantity: Decimal, meta_key: str) -> StockRow:
    parent, variation = (product.parent_id, str(product.id)) if product.is_variation else (product.id, "")
    uid = str(product.meta.get(meta_key) or "")
    return product.sku, product.name, quantity, parent, variation, uid, product.status


@command
async def opening_stock_command(path: Path, shop: Shop = "") -> int:
    """Export a shop's stock as CSV for the accountant to enter in Balance. Nothing is posted."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    async with open_shop(chosen, shop, utc_now) as client:
        rows, left_out = await read_stock_rows(client, chosen.shops[shop].catalogue.meta_key)
    write_csv(path, STOCK_COLUMNS, rows)
    console.print(f"{len(rows)} products with stock written to {path} for the accountant. Nothing was posted.")
    report_unreadable(left_out)
    return FAILED if left_out else 0
