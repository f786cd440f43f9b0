"""`python -m tests.benchmarks.shop WORKERS PRODUCTS`: the WooCommerce sandbox in a process of its own.

It serves so many requests at a time, at the recorded pace; with WORKERS 0 it answers at once. So many products of the
catalogue are in it already, under the ids that `goods.product_id` gives.
"""

from __future__ import annotations

import asyncio
import sys

from services.sandbox.faults import FaultInjector
from services.sandbox.server import serve
from services.sandbox.woocommerce.app import create_shop
from services.sandbox.woocommerce.products import Categories, Products
from services.sandbox.woocommerce.shop import SandboxPace, SandboxShop, SandboxShopSettings
from tests.benchmarks import goods


def stocked(shop: SandboxShop, products: int) -> None:
    """The category that the items go into, and the first products of the catalogue."""
    shop.term_ids.last, shop.post_ids.last = goods.CATEGORY - 1, goods.product_id(0) - 1
    Categories(shop).create({"name": "Goods"}, strict=True)
    for number in range(products):
        Products(shop).create(goods.record(number) | {"stock_quantity": 0}, strict=False)


async def run(workers: int, products: int) -> None:
    """Serve until standard input ends."""
    pace = SandboxPace(workers=workers) if workers else None
    app = create_shop(SandboxShopSettings(pace=pace, hold_deliveries=True))
    stocked(app.state.shop, products)
    async with serve(FaultInjector(app)) as served:
        print(served.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), int(sys.argv[2])))
