"""Five orders a second while stock changes all the time: figures leave within seconds, no piece is offered twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from contracts.model import Event
from services.connectors.woocommerce.changes import Cursor
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.order import order_changed
from services.engine.outbox.breaker import Breaker
from services.engine.outbox.engine import Engine
from services.engine.outbox.lane import Lane
from services.engine.outbox.relay import Relay
from services.sandbox.faults import FaultInjector, InjectedFault
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
from tests.end_to_end.waiting import wait_until
from tests.stock_publisher.stock_bench import link, row, settings, stock
from tests.support.engine_bench import opened

ITEMS, ORDERS_A_SECOND, CHANGES_A_SECOND, SECONDS = 12, 5, 4, 8.0
BALANCE = 1000
AGO = 2.5
"""Seconds: of orders older than this every figure must know, of younger ones the next."""


def now() -> datetime:
    """The time of shop and services."""
    return datetime.now(UTC)


@dataclass
class Market:
    """A shop that sells, Balance whose stock changes, and the publisher between them."""

    shop: SandboxShop
    faults: FaultInjector
    engine: Engine
    client: WooCommerce
    products: list[int]
    read_after: float | None
    """Seconds until store-feed has read an order; None: never."""
    balance: dict[int, int] = field(default_factory=dict)
    sold: list[tuple[float, int, int]] = field(default_factory=list)
    """When, which product, how many pieces."""
    changed_at: dict[int, float] = field(default_factory=dict)
    ages: list[float] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    reading: set[asyncio.Task[None]] = field(default_factory=set)

    # what the publisher sees of the shop

    @property
    def time(self) -> datetime | None:
        return self.client.time

    async def last_order_change(self) -> datetime | None:
        return await self.client.last_order_change()

    async def orders_by_id(self, ids: Iterable[int]) -> list[dict[str, Any]]:
        return await self.client.orders_by_id(ids)

    def order_pieces_changed_since(self, cursor: Cursor) -> AsyncIterator[dict[str, Any]]:
        return self.client.order_pieces_changed_since(cursor)

    async def update_products(self, writes: Sequence[Any]) -> Any:
        for write in writes:
            left = self.balance[write.id] - self.gone(write.id, time.monotonic() - AGO)
            if write.stock_quantity > left:
                self.twice.append(f"product {write.id}: {write.stock_quantity} of {left}")
        answers = await self.client.update_products(writes)
        for write in writes:
            if (changed := self.changed_at.pop(write.id, None)) is not None:
                self.ages.append(time.monotonic() - changed)
        return answers

    async def update_variations(self, parent_id: int, writes: Sequence[Any]) -> Any:
        raise AssertionError("there are none")

    # what happens

    async def sells(self, rng: Random, end: float) -> None:
        """Five orders a second."""
        while time.monotonic() < end:
            product, pieces = rng.choice(self.products), rng.randint(1, 3)
            line = {"product_id": product, "quantity": pieces, "subtotal": "9.00", "total": "9.00"}
            made = Orders(self.shop).create({"status": "processing", "line_items": [line]}, strict=False)
            self.sold.append((time.monotonic(), product, pieces))
            if self.read_after is not None:
                task = asyncio.create_task(self.reads(made["id"], self.read_after))
                self.reading.add(task)
            await asyncio.sleep(1 / ORDERS_A_SECOND)

    async def reads(self, order: int, after: float) -> None:
        """store-feed reads an order and states it."""
        await asyncio.sleep(after)
        await self.takes(order_changed("main", Orders(self.shop).read(order)))

    async def counts(self, rng: Random, end: float) -> None:
        """Balance's stock changes, several items a second."""
        while time.monotonic() < end:
            product = rng.choice(self.products)
            self.balance[product] += rng.randint(1, 5)
            self.changed_at.setdefault(product, time.monotonic())
            await self.takes(stock(row(str(self.balance[product])), item=f"item-{product}", at=now()))
            await asyncio.sleep(1 / CHANGES_A_SECOND)

    async def takes(self, *events: Event) -> None:
        """Events arrive from the topics."""
        async with self.engine.work() as work:
            await work.announce([(event, None) for event in events])

    def asked(self) -> int:
        """How often the list of orders was asked for."""
        return sum(each.path.endswith("/orders") for each in self.faults.journal.entries)

    def gone(self, product: int, until: float) -> int:
        """How many pieces of a product were sold until a moment."""
        return sum(pieces for at, each, pieces in self.sold if each == product and at <= until)

    async def settled(self) -> bool:
        """Whether the shop holds what is left for sale, to the piece."""
        held = {product: int(self.shop.products[product]["stock_quantity"]) for product in self.products}
        left = {product: self.balance[product] - self.gone(product, time.monotonic()) for product in self.products}
        return not self.changed_at and held == left


@asynccontextmanager
async def market(folder: Path, read_after: float | None) -> AsyncIterator[Market]:
    """A shop with a hundred orders of the last minutes, and its publisher at work."""
    chosen = settings("live")
    app = create_shop(SandboxSettings(home_url="https://shop.test", hold_deliveries=True), now=now)
    shop, faults = app.state.shop, FaultInjector(app)
    products = [int(Products(shop).create({"name": f"P{n}", "sku": f"P{n}"}, strict=False)["id"]) for n in range(ITEMS)]
    key, secret, transport = SecretStr("ck_sandbox"), SecretStr("cs_sandbox"), httpx.ASGITransport(faults)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            WooCommerce("main", chosen.shops["main"], key, secret, clock=now, transport=transport)
        )
        engine = await stack.enter_async_context(opened("stock-publisher", handlers(chosen), folder, now))  # type: ignore[arg-type]
        made = Market(shop, faults, engine, client, products, read_after)
        for product in products:
            made.balance[product] = BALANCE
            await made.takes(
                link(product_id=product, item=f"item-{product}", sku=f"P{product}"),
                stock(row(str(BALANCE)), item=f"item-{product}", at=now()),
            )
        orders = ShopOrderList(chosen, "main", made, timedelta(minutes=4), now)
        await orders.attach(engine)
        unread = UnreadOrderGuard(orders, now)
        deliver = unread.guard(StockDeliveries(made, now, 25))
        relay = Relay(
            Lane(stock_lane_name("main"), deliver, Breaker(), 25, 8), engine.claim, engine.settle, engine.wait_due
        )
        engine.on_change.append(relay.wake)
        running = [asyncio.create_task(relay.run()), asyncio.create_task(unread.follow(engine))]
        try:
            yield made
        finally:
            for task in running:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


@pytest.mark.claim("K1", "I1", "K15")
@pytest.mark.parametrize("read_after", [0.5, 3.0, None], ids=["read soon", "read late", "never read"])
async def test_stock_leaves_within_seconds_under_order_load(tmp_path: Path, read_after: float | None) -> None:
    async with market(tmp_path, read_after) as on:
        begun = time.monotonic()
        on.faults.add(InjectedFault.model_validate({"kind": "latency", "match": "GET .*/orders$", "seconds": 0.2}))
        on.faults.add(InjectedFault.model_validate({"kind": "latency", "match": "POST .*/batch$", "seconds": 0.3}))
        rng, end = Random(1), begun + SECONDS
        await asyncio.gather(on.sells(rng, end), on.counts(rng, end))
        await asyncio.gather(*on.reading)
        await wait_until(on.settled, "the shop holds what is left for sale", timeout=10)
        took = time.monotonic() - begun
        print(f"{on.asked()} lists in {took:.1f} s; {len(on.ages)} figures, the latest after {max(on.ages):.1f} s")
        assert on.twice == []
        assert on.asked() <= took + 2
        assert max(on.ages) < 15
        assert len(on.ages) >= SECONDS
