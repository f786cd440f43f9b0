"""A WooCommerce sandbox in the process, and the stock deliveries into it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from contracts.catalog import FigureLine
from services.connectors.woocommerce.client import WooCommerce
from services.engine.outbox.lane import Row
from services.sandbox.faults import FaultInjector
from services.sandbox.woocommerce.app import create_shop
from services.sandbox.woocommerce.products import Products
from services.sandbox.woocommerce.shop import SandboxShop
from services.sandbox.woocommerce.shop import SandboxShopSettings as SandboxSettings
from services.sandbox.woocommerce.variations import Variations
from services.stock_publisher.deliveries import StockDeliveries
from services.stock_publisher.records import StockWrite
from tests.stock_publisher.stock_bench import settings
from tests.support.memory_state import NOON

HOME = "https://shop.test"


@dataclass
class Scene:
    """A shop and the stock deliveries into it."""

    shop: SandboxShop
    faults: FaultInjector
    deliver: StockDeliveries

    def product(self, **body: Any) -> int:
        """A product of the storefront."""
        return int(Products(self.shop).create({"name": "Tea", **body}, strict=False)["id"])

    def variation(self, parent: int, **body: Any) -> int:
        """A variation of the storefront."""
        return int(Variations(self.shop, parent).create(body, strict=False)["id"])

    def writes(self) -> list[str]:
        """The requests that reached the shop."""
        return [entry.path for entry in self.faults.journal.entries]


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """An empty shop."""
    app = create_shop(SandboxSettings(home_url=HOME, hold_deliveries=True), now=lambda: NOON)
    faults, main = FaultInjector(app), settings().shops["main"]
    key, secret = SecretStr("ck_sandbox"), SecretStr("cs_sandbox")
    transport = httpx.ASGITransport(faults)
    async with WooCommerce("main", main, key, secret, clock=lambda: NOON, transport=transport) as client:
        yield Scene(app.state.shop, faults, StockDeliveries(client, lambda: NOON))


def row(product_id: int, quantity: int, parent_id: int = 0) -> Row:
    """A figure on its way."""
    lines = (FigureLine(label="on hand", quantity=quantity, source="Balance"),)
    write = StockWrite(
        shop="main",
        item=f"item-{product_id}",
        product_id=product_id,
        parent_id=parent_id,
        sku=f"SKU-{product_id}",
        quantity=quantity,
        explanation=lines,
        stock_seen_at=NOON,
        shop_moves=3,
    )
    return Row(f"stock:{product_id}", "stock.write", "lane", f"main:{product_id}", "", write.model_dump(mode="json"))
