"""The link table back from the shop alone: by the uid that we left at each product, then by SKU (claims S2.3, I15).

Adoption finds by SKU whatever still has the item's SKU; this also finds what was given another SKU in the shop since.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from contracts.balance import ItemChanged
from services.commands.links.table import Line
from services.shared.woocommerce.product import Product


class Shelves(Protocol):
    """A shop whose products can be gone through."""

    def every_product(self) -> AsyncIterator[Product]: ...


async def lines(shop: Shelves, items: Mapping[str, ItemChanged], meta_key: str) -> list[Line]:
    """A line for each product that carries an item's uid, or has the SKU of one single item."""
    by_sku: dict[str, list[str]] = {}
    for item in items.values():
        if item.sku and item.sku.strip():
            by_sku.setdefault(item.sku.strip().casefold(), []).append(item.item)
    marked: dict[str, Product] = {}
    alike: dict[str, Product] = {}
    async for product in shop.every_product():
        uid = str(product.meta.get(meta_key) or "").strip().casefold()
        same = by_sku.get(product.sku.casefold(), [])
        if uid in items:
            marked[uid] = product
        elif not uid and len(same) == 1 and product.sku:
            alike[same[0]] = product
    found = {**alike, **marked}
    return [_line(number, item, found[item]) for number, item in enumerate(sorted(found), 1)]


def _line(number: int, item: str, product: Product) -> Line:
    if product.is_variation:
        return Line(number, item, product.sku, product.parent_id, product.id)
    return Line(number, item, product.sku, product.id)
