"""A Balance catalogue in events, and the importer between it and a WooCommerce sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx
from pydantic import SecretStr

from contracts.balance import GroupRef, ItemChanged, ItemPrice, PriceChanged
from contracts.catalog import GroupRule, ProductLinked, ProductPlanned
from contracts.model import Event
from contracts.operations import MappingRequested
from services.catalog_importer.deliveries import ProductDeliveries
from services.catalog_importer.handlers import handlers
from services.connectors.woocommerce.client import WooCommerce
from services.engine.clock import TBILISI
from services.engine.outbox.decision import Decision, Delivery
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Done, Outcome
from services.sandbox.faults import ConnectionCut, FaultInjector
from services.sandbox.woocommerce.app import create_shop
from services.sandbox.woocommerce.products import Categories, Products
from services.sandbox.woocommerce.shop import SandboxShop
from services.sandbox.woocommerce.shop import SandboxShopSettings as SandboxSettings
from services.sandbox.woocommerce.variations import Variations
from services.settings.model import Settings
from tests.support.memory_state import NOON, Consumer

TEA, COFFEE, TOYS = "group-tea", "group-coffee", "group-toys"
ROOT = "group-root"
TEA_CATEGORY, COFFEE_CATEGORY = 21, 22
REGULAR, SALE = "type-regular", "type-sale"
HOME = "https://shop.test"
LIVE = {"catalogue": "live", "prices": "live"}
DRY = {"catalogue": "dry-run", "prices": "dry-run"}


def tbilisi(*parts: int) -> datetime:
    """A moment as people in Tbilisi write it."""
    return datetime(*parts, tzinfo=TBILISI)  # type: ignore[misc, arg-type]


def settings(flows: dict[str, str] = LIVE, **shop: Any) -> Settings:
    """One shop, `main`, with tea and coffee mapped and two price types."""
    catalogue = {"groups": {TEA: TEA_CATEGORY, COFFEE: COFFEE_CATEGORY}} | shop.pop("catalogue", {})
    prices = {"regular_type": REGULAR, "sale_type": SALE} | shop.pop("prices", {})
    main = {"url": HOME, "key_file": "key", "secret_file": "secret", "flows": flows, **shop}
    balance = {"application_id": "1234", "user_name": "davtari", "password_file": "password"}
    return Settings.model_validate(
        {"balance": balance, "shops": {"main": main | {"catalogue": catalogue, "prices": prices}}}
    )


def item(uid: str = "tea-100", **more: Any) -> ItemChanged:
    """Goods in the tea group, under the SKU of their uid in capitals."""
    group = more.pop("group", TEA)
    path = tuple(GroupRef(uid=one, name=one) for one in more.pop("path", (ROOT, group)))
    known = {"kind": "goods", "sku": uid.upper(), "name": f"Black tea {uid}", "item_type": "საქონელი"}
    return ItemChanged.model_validate(
        {"item": uid, "group": group, "path": path, "observed_at": NOON, "weight": Decimal("0.100")} | known | more
    )


def price(amount: str, price_type: str = REGULAR, **more: Any) -> ItemPrice:
    """A price of one type."""
    return ItemPrice(price_type=price_type, price=Decimal(amount), **more)


def priced(uid: str, *prices: ItemPrice) -> PriceChanged:
    """All prices of an item."""
    return PriceChanged(item=uid, prices=prices, observed_at=NOON)


def rows(deliveries: Sequence[Delivery]) -> list[Row]:
    """Deliveries as the relay passes them on."""
    return [Row(one.id, one.kind, one.lane, one.key, f"main:{one.key}", one.payload) for one in deliveries]


class Wire(httpx.AsyncBaseTransport):
    """A sandbox in the process, whose cut connections look as on a real socket."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self.inner.handle_async_request(request)
        except ConnectionCut as cut:
            raise httpx.ReadError(str(cut), request=request) from cut


@dataclass
class World:
    """The importer, its deliveries, and the shop behind them."""

    consumer: Consumer
    shop: SandboxShop
    faults: FaultInjector
    client: WooCommerce
    deliver: ProductDeliveries
    announced: list[Event] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    async def take(self, *events: Event) -> list[Event]:
        """Hand events over and carry out whatever follows, until nothing more does; gives what was announced."""
        self.announced, self.outcomes = [], []
        await self.follow(self.consumer.take(*events))
        return self.announced

    async def follow(self, decisions: dict[str, Decision]) -> None:
        """Carry out decisions and what follows from them."""
        published = [event for decision in decisions.values() for event in decision.announce]
        due = [delivery for decision in decisions.values() for delivery in decision.deliveries]
        outcomes = await self.deliver(rows(due)) if due else []
        self.outcomes += outcomes
        published += [event for outcome in outcomes if isinstance(outcome, Done) for event in outcome.events]
        self.announced += published
        if published:
            await self.follow(self.consumer.take(*published))

    async def at(self, moment: datetime, uid: str = "tea-100") -> Decision:
        """Decide an item again at a moment, carrying the decision out."""
        decision = self.consumer.again(f"main:{uid}", moment)
        await self.follow({f"main:{uid}": decision})
        return decision

    def product(self, **body: Any) -> int:
        """A product that the storefront made."""
        return int(Products(self.shop).create(body, strict=False)["id"])

    def variation(self, parent: int, **body: Any) -> int:
        """A variation that the storefront made."""
        return int(Variations(self.shop, parent).create(body, strict=False)["id"])

    def category(self, id_: int, name: str) -> None:
        """A category that the storefront made."""
        self.shop.term_ids.last = id_ - 1
        Categories(self.shop).create({"name": name}, strict=True)

    def held(self, product_id: int) -> dict[str, Any]:
        """What the shop holds."""
        return self.shop.products.get(product_id) or self.shop.variations[product_id]

    def meta(self, product_id: int) -> dict[str, str]:
        """A product's custom fields."""
        return {meta["key"]: meta["value"] for meta in self.held(product_id)["meta_data"]}

    def writes(self) -> list[str]:
        """The writes that reached the shop."""
        return [entry.path for entry in self.faults.journal.entries if entry.method != "GET"]

    def requests(self) -> list[str]:
        """All requests that reached the shop."""
        return [f"{entry.method} {entry.path}" for entry in self.faults.journal.entries]


@asynccontextmanager
async def world(rules: Settings | None = None) -> AsyncIterator[World]:
    """An empty shop with the two mapped categories."""
    rules = rules or settings()
    consumer = Consumer(handlers(rules))
    app = create_shop(SandboxSettings(home_url=HOME, hold_deliveries=True), now=lambda: consumer.state.now)
    faults = FaultInjector(app)
    shop: SandboxShop = app.state.shop
    for category, name in ((TEA_CATEGORY, "Tea"), (COFFEE_CATEGORY, "Coffee")):
        shop.term_ids.last = category - 1
        Categories(shop).create({"name": name}, strict=True)
    main = rules.shops["main"]
    key, secret = SecretStr("ck_sandbox"), SecretStr("cs_sandbox")
    transport = Wire(httpx.ASGITransport(faults))
    async with WooCommerce("main", main, key, secret, clock=lambda: consumer.state.now, transport=transport) as client:
        yield World(consumer, shop, faults, client, ProductDeliveries(main, client, lambda: consumer.state.now))


def links(events: Sequence[Event]) -> list[ProductLinked]:
    """The links among events."""
    return [event for event in events if isinstance(event, ProductLinked)]


def plans(events: Sequence[Event]) -> list[ProductPlanned]:
    """The plans and skips among events."""
    return [event for event in events if isinstance(event, ProductPlanned)]


def mapping_request(group: str, rule: GroupRule | None, command: str = "c1", shop: str = "main") -> MappingRequested:
    return MappingRequested(command_id=command, asked_by="nino", asked_at=NOON, shop=shop, group=group, rule=rule)
