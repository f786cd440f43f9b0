"""A sandbox shop with two published products, and the stock publisher that reads its orders before it writes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from contracts.model import Event
from contracts.shop import OrderChanged
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.order import order_changed
from services.engine.outbox.engine import Engine
from services.engine.outbox.outcome import Outcome
from services.sandbox.faults import FaultInjector
from services.sandbox.woocommerce.app import create_shop
from services.sandbox.woocommerce.orders import Orders
from services.sandbox.woocommerce.products import Products
from services.sandbox.woocommerce.shop import SandboxShop
from services.sandbox.woocommerce.shop import SandboxShopSettings as SandboxSettings
from services.stock_publisher.decide import stock_lane_name
from services.stock_publisher.deliveries import StockDeliveries
from services.stock_publisher.handlers import handlers
from services.stock_publisher.order_list import ShopOrderList
from services.stock_publisher.unread_orders import UnreadOrderGuard
from tests.stock_publisher.stock_bench import link, row, settings, stock
from tests.support.engine_bench import Clock, Ledger, opened

HOME, BACK = "https://shop.test", timedelta(minutes=4)


@dataclass
class Store:
    """A shop with tea at ten pieces and coffee at twenty, both published, and its publisher."""

    shop: SandboxShop
    faults: FaultInjector
    tea: int
    coffee: int
    engine: Engine
    clock: Clock
    unread: UnreadOrderGuard
    write: StockDeliveries
    ledger: Ledger
    ahead: timedelta = timedelta()
    """By how much the clock of the service is ahead of the shop's."""

    def held(self) -> tuple[int, int]:
        """The figures that the shop holds, of tea and coffee."""
        tea, coffee = (int(self.shop.products[one]["stock_quantity"]) for one in (self.tea, self.coffee))
        return tea, coffee

    def buys(self, product: int, pieces: int, **more: Any) -> OrderChanged:
        """Somebody buys; gives what store-feed will say of it."""
        line = {"product_id": product, "quantity": pieces, "subtotal": "9.00", "total": "9.00"}
        made = Orders(self.shop).create({"status": "processing", "line_items": [line], **more}, strict=False)
        return order_changed("main", Orders(self.shop).read(made["id"]))

    def read(self, item: str, pieces: str) -> Event:
        """Balance's stock of an item, read now."""
        return stock(row(pieces), item=item, at=self.clock.at)

    async def takes(self, *events: Event) -> None:
        """Events arrive from the topics."""
        async with self.engine.work() as work:
            await work.announce([(event, None) for event in events])

    async def delivers(self) -> list[Outcome]:
        """One turn of the lane."""
        rows = await self.engine.claim(stock_lane_name("main"), 10, ())
        outcomes = list(await self.unread.guard(self.write)(rows)) if rows else []
        await self.engine.settle(list(zip(rows, outcomes, strict=True)))
        return outcomes


@asynccontextmanager
async def open_store(folder: Path) -> AsyncIterator[Store]:
    clock, chosen = Clock(), settings("live")
    app = create_shop(SandboxSettings(home_url=HOME, hold_deliveries=True), now=clock)
    shop, faults = app.state.shop, FaultInjector(app)
    tea, coffee = (int(Products(shop).create({"name": n, "sku": n}, strict=False)["id"]) for n in ("TEA", "COFFEE"))
    key, secret, transport = SecretStr("ck_sandbox"), SecretStr("cs_sandbox"), httpx.ASGITransport(faults)
    async with (
        WooCommerce("main", chosen.shops["main"], key, secret, clock=clock, transport=transport) as client,
        opened("stock-publisher", handlers(chosen), folder, clock) as engine,
    ):
        orders = ShopOrderList(chosen, "main", client, BACK, lambda: clock.at + made.ahead)
        await orders.attach(engine)
        unread = UnreadOrderGuard(orders, clock, sleep=at_once)
        made = Store(shop, faults, tea, coffee, engine, clock, unread, StockDeliveries(client, clock), Ledger(engine))
        await made.takes(
            link(product_id=tea, item="tea", sku="TEA"), link(product_id=coffee, item="coffee", sku="COFFEE")
        )
        await made.takes(stock(row("10"), item="tea", at=clock.at), stock(row("20"), item="coffee", at=clock.at))
        await made.delivers()
        assert made.held() == (10, 20)
        yield made


async def at_once(_: float) -> None:
    """The pace of looks is not waited for."""
