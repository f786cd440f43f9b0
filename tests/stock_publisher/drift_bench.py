"""The watch over a published figure: a sandbox shop with one product, the publisher's engine, and the watch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from contracts.drift import StockDrifted
from contracts.model import Event
from services.connectors.identity.guard import allow_always
from services.connectors.woocommerce.client import WooCommerce
from services.engine.outbox.engine import Engine
from services.sandbox.faults import FaultInjector
from services.sandbox.woocommerce.app import create_shop
from services.sandbox.woocommerce.products import Products
from services.sandbox.woocommerce.shop import SandboxShop
from services.sandbox.woocommerce.shop import SandboxShopSettings as SandboxSettings
from services.stock_publisher.decide import stock_lane_name
from services.stock_publisher.deliveries import StockDeliveries
from services.stock_publisher.drift import DriftWatch
from services.stock_publisher.handlers import handlers
from tests.stock_publisher.stock_bench import link, row, settings, stock
from tests.support.engine_bench import Clock, Ledger, opened

HOME = "https://shop.test"


@dataclass
class DriftBench:
    """A product that is live at ten pieces, its publisher, and the watch."""

    shop: SandboxShop
    product: int
    client: WooCommerce
    engine: Engine
    clock: Clock
    ledger: Ledger
    watch: DriftWatch
    asked: list[str]
    """The paths that the shop was asked for."""
    faults: FaultInjector

    def held(self) -> int:
        """The figure that the shop holds."""
        return int(self.shop.products[self.product]["stock_quantity"])

    def edited(self, figure: int) -> None:
        """Somebody changes the figure in the shop's admin."""
        self.clock.forward(minutes=1)
        Products(self.shop).update(self.product, {"stock_quantity": figure}, strict=False)

    async def take(self, *events: Event) -> None:
        """Events arrive; whatever follows is delivered."""
        async with self.engine.work() as work:
            await work.announce([(event, None) for event in events])
        await self.delivered()

    async def delivered(self) -> None:
        """Deliver what is due."""
        deliver = StockDeliveries(self.client, self.clock)
        while rows := await self.engine.claim(stock_lane_name("main"), 10, ()):
            await self.engine.settle(list(zip(rows, await deliver(rows), strict=True)))

    async def looked(self, **later: float) -> Sequence[StockDrifted]:
        """Run the watch and deliver what follows; returns the drift events."""
        self.clock.forward(**(later or {"minutes": 30}))
        await self.watch.once()
        await self.delivered()
        return await self.ledger.news_of(StockDrifted)


@asynccontextmanager
async def open_drift_bench(folder: Path, **rules: Any) -> AsyncIterator[DriftBench]:
    """Ten pieces of the item, published."""
    clock, chosen = Clock(), settings("live", **rules)
    app = create_shop(SandboxSettings(home_url=HOME, hold_deliveries=True), now=clock)
    shop: SandboxShop = app.state.shop
    product = int(Products(shop).create({"name": "Tea", "sku": "TEA-100"}, strict=False)["id"])
    key, secret = SecretStr("ck_sandbox"), SecretStr("cs_sandbox")
    faults = FaultInjector(app)
    transport = httpx.ASGITransport(faults)
    asked: list[str] = []

    def observe(method: str, path: str, result: str, seconds: float) -> None:
        asked.append(path)

    main = chosen.shops["main"]
    async with (
        WooCommerce("main", main, key, secret, clock=clock, transport=transport, observe=observe) as client,
        opened("stock-publisher", handlers(chosen), folder, clock) as engine,
    ):
        watch = DriftWatch(engine, "main", client, main.stock, allow_always)
        bench = DriftBench(shop, product, client, engine, clock, Ledger(engine), watch, asked, faults)
        await bench.take(link(product_id=product), stock(row("10"), at=clock.at))
        assert bench.held() == 10
        yield bench
