"""What the shop sold a moment ago is not offered again by a figure that does not know of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from contracts.model import Event
from contracts.reasons import Reason
from services.sandbox.faults import Fault, Faults
from services.sandbox.woocommerce.app import create
from services.sandbox.woocommerce.orders import Orders
from services.sandbox.woocommerce.products import Products
from services.sandbox.woocommerce.settings import Settings as SandboxSettings
from services.sandbox.woocommerce.shop import Shop
from services.shared.delivery.engine import Engine
from services.shared.delivery.outcome import Blocked, Done, Outcome, Retry
from services.shared.woocommerce.client import WooCommerce
from services.shared.woocommerce.order import order_changed
from services.stock_publisher.decide import lane
from services.stock_publisher.deliveries import Deliveries
from services.stock_publisher.handlers import handlers
from services.stock_publisher.unread_orders import UnreadOrders
from tests.stock_publisher.stock_bench import link, row, settings, stock
from tests.support.engine_bench import Clock, opened

HOME, BACK = "https://shop.test", timedelta(minutes=4)
pytestmark = [pytest.mark.claim("I1"), pytest.mark.claim("K1")]


@dataclass
class Store:
    """A shop with tea at ten pieces and coffee at twenty, both published, and its publisher."""

    shop: Shop
    faults: Faults
    tea: int
    coffee: int
    engine: Engine
    clock: Clock
    unread: UnreadOrders
    write: Deliveries

    def held(self) -> tuple[int, int]:
        """The figures that the shop holds, of tea and coffee."""
        tea, coffee = (int(self.shop.products[one]["stock_quantity"]) for one in (self.tea, self.coffee))
        return tea, coffee

    def buys(self, product: int, pieces: int, **more: Any) -> Event:
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
        rows = await self.engine.claim(lane("main"), 10, ())
        outcomes = list(await self.unread.before(self.write)(rows)) if rows else []
        await self.engine.settle(list(zip(rows, outcomes, strict=True)))
        return outcomes


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened_store(tmp_path) as made:
        yield made


@asynccontextmanager
async def opened_store(folder: Path) -> AsyncIterator[Store]:
    clock, chosen = Clock(), settings("live")
    app = create(SandboxSettings(home_url=HOME, hold_deliveries=True), now=clock)
    shop, faults = app.state.shop, Faults(app)
    tea, coffee = (int(Products(shop).create({"name": n, "sku": n}, strict=False)["id"]) for n in ("TEA", "COFFEE"))
    key, secret, transport = SecretStr("ck_sandbox"), SecretStr("cs_sandbox"), httpx.ASGITransport(faults)
    async with (
        WooCommerce("main", chosen.shops["main"], key, secret, clock=clock, transport=transport) as client,
        opened("stock-publisher", handlers(chosen), folder, clock) as engine,
    ):
        unread = UnreadOrders("main", client, BACK, clock)
        await unread.attach(engine)
        made = Store(shop, faults, tea, coffee, engine, clock, unread, Deliveries(client, clock))
        await made.takes(
            link(product_id=tea, item="tea", sku="TEA"), link(product_id=coffee, item="coffee", sku="COFFEE")
        )
        await made.takes(stock(row("10"), item="tea", at=clock.at), stock(row("20"), item="coffee", at=clock.at))
        await made.delivers()
        assert made.held() == (10, 20)
        yield made


async def test_a_figure_does_not_go_over_an_order_that_nobody_has_read(store: Store) -> None:
    # given three pieces that were sold a moment ago, and news of both items from Balance
    store.clock.forward(minutes=10)
    order = store.buys(store.tea, 3)
    await store.takes(store.read("tea", "11"), stock(row("21"), item="coffee", at=store.clock.at))
    # when the figures leave
    outcomes = await store.delivers()
    # then the one that would offer the three again waits, and the other stands
    [waits] = [one for one in outcomes if isinstance(one, Blocked)]
    assert (waits.reason, "TEA" in waits.detail) == (Reason.STOCK_ORDER_UNREAD, True)
    assert store.held() == (7, 21)
    # and when the order is read, its figure goes without them
    await store.takes(order)
    assert [type(one) for one in await store.delivers()] == [Done]
    assert store.held() == (8, 21)


async def test_an_order_that_is_read_while_its_figure_finds_it_unread_costs_no_wait(store: Store) -> None:
    store.clock.forward(minutes=10)
    order = store.buys(store.tea, 3)
    await store.takes(store.read("tea", "11"))
    rows = await store.engine.claim(lane("main"), 10, ())
    outcomes = await store.unread.before(store.write)(rows)
    # when the order arrives before the outcome is written down
    await store.takes(order)
    await store.engine.settle(list(zip(rows, outcomes, strict=True)))
    # then the figure that knows of it goes at once
    assert [type(one) for one in outcomes] == [Blocked]
    assert [type(one) for one in await store.delivers()] == [Done]
    assert store.held() == (8, 20)


async def test_an_order_that_was_read_holds_nothing_up(store: Store) -> None:
    store.clock.forward(minutes=10)
    await store.takes(store.buys(store.tea, 3), store.read("tea", "11"))
    assert [type(one) for one in await store.delivers()] == [Done]
    assert store.held() == (8, 20)


async def test_an_order_that_moves_no_stock_holds_nothing_up(store: Store) -> None:
    store.clock.forward(minutes=10)
    store.buys(store.tea, 3, status="pending")
    await store.takes(store.read("tea", "11"))
    assert [type(one) for one in await store.delivers()] == [Done]
    assert store.held() == (11, 20)


async def test_an_order_that_never_is_read_holds_its_figure_for_a_few_minutes_only(store: Store) -> None:
    store.clock.forward(minutes=10)
    store.buys(store.tea, 3)
    await store.takes(store.read("tea", "11"))
    assert isinstance((await store.delivers())[0], Blocked)
    store.clock.forward(minutes=10)
    await store.engine.decide_due()
    assert [type(one) for one in await store.delivers()] == [Done]


async def test_a_shop_that_does_not_say_what_it_sold_gets_no_figure(store: Store) -> None:
    store.clock.forward(minutes=10)
    await store.takes(store.read("tea", "11"))
    store.faults.add(Fault(kind="status", status=503, match="GET .*/orders$", times=1))
    assert [type(one) for one in await store.delivers()] == [Retry]
    assert store.held() == (10, 20)
    assert [type(one) for one in await store.delivers()] == [Done]
    assert store.held() == (11, 20)


async def test_an_order_of_some_minutes_ago_that_nobody_has_read_is_found(store: Store) -> None:
    store.clock.forward(minutes=10)
    store.buys(store.tea, 3)
    store.clock.forward(minutes=3)
    await store.takes(store.read("tea", "11"))
    assert [type(one) for one in await store.delivers()] == [Blocked]


async def test_an_order_that_cannot_be_read_hides_no_other(store: Store) -> None:
    store.clock.forward(minutes=10)
    for product in (store.coffee, store.tea, store.coffee):
        store.buys(product, 3)
    first, _, last = list(store.shop.orders)[-3:]
    for broken in (first, last):
        store.shop.orders[broken]["total"] = "a lot"
    await store.takes(store.read("tea", "11"))
    assert [type(one) for one in await store.delivers()] == [Blocked]


async def test_a_shop_that_refuses_to_say_what_it_sold_gets_no_figure(store: Store) -> None:
    store.clock.forward(minutes=10)
    await store.takes(store.read("tea", "11"))
    store.faults.add(Fault(kind="status", status=400, match="GET .*/orders$", times=1))
    assert [type(one) for one in await store.delivers()] == [Retry]
    assert store.held() == (10, 20)
