"""A shop in the process, its copy, and a store-feed that checks their identity."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from contracts.identity import AcceptShopRequested, ShopIdentified, ShopNotRecognized
from contracts.model import Event
from services.connectors.identity.status import with_identity
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.order import order_changed
from services.engine.outbox.engine import Engine
from services.sandbox.faults import FaultInjector
from services.sandbox.woocommerce.app import create_shop
from services.sandbox.woocommerce.control import copy_shop
from services.sandbox.woocommerce.orders import Orders
from services.sandbox.woocommerce.shop import SandboxApiKey, SandboxShop
from services.sandbox.woocommerce.shop import SandboxShopSettings as SandboxSettings
from services.settings.shop import ShopSettings
from services.store_feed.handlers import handlers
from services.store_feed.identity import AcceptDeliveries, Registrar, identity_lane_name, with_known_orders
from services.store_feed.records import NAME
from tests.support.engine_bench import Clock, Ledger, opened

HOME, COPY = "https://shop.test", "https://staging.test"
LIVE = {"stock": "live"}


@dataclass
class Site:
    """A shop at its own address."""

    home: str
    app: Any
    faults: FaultInjector

    @property
    def shop(self) -> SandboxShop:
        """The records of the shop."""
        found: SandboxShop = self.app.state.shop
        return found

    def sell(self) -> int:
        """Place an order; returns its number."""
        line = {"product_id": 10, "quantity": 1, "subtotal": "12.00", "total": "12.00"}
        return int(Orders(self.shop).create({"status": "processing", "line_items": [line]}, strict=False)["id"])

    def draft(self, status: str = "checkout-draft") -> int:
        """Open and leave the block checkout; returns the number of the draft order."""
        return int(Orders(self.shop).create({"status": status}, strict=False)["id"])

    def purge(self, *numbers: int) -> None:
        """Delete these orders permanently, as WooCommerce or a person does."""
        for number in numbers:
            Orders(self.shop).delete(number, force=True)

    def writes(self) -> list[str]:
        """The writes that reached the shop."""
        return [entry.path for entry in self.faults.journal.entries if entry.method != "GET"]

    def requests(self) -> int:
        """How many requests reached the shop."""
        return len(self.faults.journal.entries)

    def marks(self) -> list[str]:
        """The names of the webhooks of the shop."""
        return [hook["name"] for hook in self.shop.webhooks.values()]


def site(home: str, clock: Clock, *more_keys: SandboxApiKey) -> Site:
    """An empty shop."""
    keys = (*SandboxSettings().keys, *more_keys)
    app = create_shop(SandboxSettings(home_url=home, hold_deliveries=True, keys=keys), now=clock)
    return Site(home, app, FaultInjector(app))


@dataclass
class StoreFeedBench:
    """The state database of store-feed, its clock and its events."""

    folder: Path
    engine: Engine
    clock: Clock
    ledger: Ledger
    stack: AsyncExitStack

    async def settings(
        self, url: str = HOME, flows: dict[str, str] | None = None, key: str = "ck_sandbox"
    ) -> ShopSettings:
        """The settings of the shop `main`, with its secrets in files."""
        for name, text in (("key", key), ("secret", key.replace("ck", "cs"))):
            (self.folder / name).write_text(text, encoding="utf-8")
        files = {"key_file": self.folder / "key", "secret_file": self.folder / "secret"}
        return ShopSettings.model_validate({"url": url, "flows": flows or {}, **files})

    async def registrar(self, at: Site, **settings: Any) -> Registrar:
        """A store-feed that has just started with the settings of this site."""
        rules = await self.settings(**({"url": at.home} | settings))
        client = await self.client(at, rules)
        guard = Registrar("main", client, rules, self.clock)
        await guard.attach(self.engine)
        return guard

    async def client(self, at: Site, rules: ShopSettings) -> WooCommerce:
        """A client of a site."""
        key, secret = rules.credentials()
        transport = httpx.ASGITransport(at.faults)
        made = WooCommerce("main", rules, key, secret, clock=self.clock, transport=transport)
        return await self.stack.enter_async_context(made)

    async def accept(self, at: Site, why: str = "the shop has moved") -> list[Event]:
        """Have a person accept this site as the shop; returns the events that follow."""
        stamp = {"command_id": f"c-{self.ledger.seen}", "asked_by": "nino", "asked_at": self.clock.at}
        async with self.engine.work() as work:
            await work.announce([(AcceptShopRequested.model_validate({"shop": "main", "why": why, **stamp}), None)])
        rules = await self.settings(url=at.home)
        deliver = AcceptDeliveries(await self.client(at, rules), rules, self.clock).deliver
        while rows := await self.engine.claim(identity_lane_name("main"), 10, ()):
            await self.engine.settle(list(zip(rows, await deliver(rows), strict=True)))
        return await self.ledger.news()

    async def publish_order(self, at: Site) -> int:
        """Have store-feed read and publish an order; returns its number."""
        number = at.sell()
        order = order_changed("main", Orders(at.shop).read(number))
        async with self.engine.work() as work:
            await work.announce([(order, None)])
        return number

    async def recorded_identities(self) -> list[ShopIdentified]:
        """The identities recorded since the last call."""
        return await self.ledger.news_of(ShopIdentified)

    async def reports(self) -> list[ShopNotRecognized]:
        """The reports of unrecognized shops since the last call."""
        return await self.ledger.news_of(ShopNotRecognized)


@asynccontextmanager
async def open_store_feed(folder: Path) -> AsyncIterator[StoreFeedBench]:
    """The engine of store-feed over an empty database."""
    clock, rules = Clock(), with_known_orders(with_identity(handlers(["main"])))
    async with AsyncExitStack() as stack, opened(NAME, rules, folder / "state", clock) as engine:
        yield StoreFeedBench(folder, engine, clock, Ledger(engine), stack)


def copy_of(original: Site, clock: Clock, home: str = COPY) -> Site:
    """A copy as an agency makes it, with orders, products, keys, webhooks and the mark of Davtari."""
    made = site(home, clock)
    copy_shop(made.shop, original.shop)
    return made
