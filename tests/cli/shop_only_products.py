"""Products of a shop, some of which Balance does not have."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

from services.connectors.woocommerce.product import Product
from tests.catalog_importer.shop_products import LISTED_TEA


async def list_products(*products: Product) -> AsyncIterator[Product]:
    for product in products:
        yield product


GIFT = replace(LISTED_TEA, id=1, sku="GIFT-1", name="=Gift [card]", regular_price=Decimal("5.00"))
BEAR = replace(LISTED_TEA, id=2, sku="bear-1")
BARE = replace(LISTED_TEA, id=3, sku="", regular_price=None)
PARENT = replace(LISTED_TEA, id=4, sku="P", type="variable")
