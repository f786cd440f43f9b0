"""The way of the goods as a whole: a Balance sandbox, the feed, the importer and the publisher, and a shop sandbox."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from contracts.catalog import ProductLinked, ProductPlanned
from contracts.model import Event
from contracts.operations import DeadLettered
from services.balance_feed.handlers import Resource
from services.engine.outbox.decision import Decision
from services.engine.outbox.outcome import Done, Outcome, Refused
from services.engine.outbox.upstream_errors import UpstreamError
from services.sandbox.balance import goods
from services.sandbox.balance.catalogue import MAIN
from services.sandbox.balance.stock_and_prices import GEL
from services.settings.model import Settings
from services.stock_publisher.deliveries import StockDeliveries
from services.stock_publisher.handlers import handlers as publisher_handlers
from tests.balance_feed.feed_bench import REGULAR, SALE, Feed, opened_feed
from tests.catalog_importer import catalogue_bench
from tests.catalog_importer.catalogue_bench import TEA_CATEGORY, World, rows
from tests.support.memory_state import Consumer

LIVE = {"catalogue": "live", "prices": "live", "stock": "live"}
Row = dict[str, Any]
Spoil = Callable[[list[Row]], list[Row] | None]
"""Changes the rows of an answer; gives other rows, or None for the changed ones."""


@dataclass(frozen=True)
class Shown:
    """The reports about something that was skipped."""

    reason: str
    detail: str


@dataclass
class Chain:
    """Everything between the two sandboxes; `shown` is what a person sees of what was left alone."""

    feed: Feed
    catalogue: World
    publisher: Consumer
    stock: StockDeliveries
    shown: list[Shown] = field(default_factory=list)
    failures: list[UpstreamError] = field(default_factory=list)

    async def imports(self, *resources: Resource) -> None:
        """Import these resources, and carry out whatever follows."""
        for resource in resources:
            try:
                stated = await self.feed.imports(resource)
            except UpstreamError as error:
                self.failures.append(error)
                stated = await self.feed.ledger.news()
            self._note(stated)
            await self._follow(stated)

    async def everything(self) -> None:
        """One import of each resource."""
        await self.imports("items", "prices", "stock")

    async def _follow(self, stated: Sequence[Event]) -> None:
        catalogue = self.catalogue
        announced = await catalogue.take(*_known(catalogue.consumer, stated))
        self._note(announced)
        self._note_outcomes(catalogue.outcomes)
        await self._publish(self.publisher.take(*_known(self.publisher, [*stated, *announced])))

    async def _publish(self, decisions: dict[str, Decision]) -> None:
        for refusal in [one for decision in decisions.values() for one in decision.refuse]:
            self.shown.append(Shown(refusal.reason, refusal.detail))
        due = rows([one for decision in decisions.values() for one in decision.deliveries if not one.blocked])
        outcomes = await self.stock(due) if due else []
        self._note_outcomes(outcomes)
        self.publisher.take(*[event for one in outcomes if isinstance(one, Done) for event in one.events])

    def _note(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, DeadLettered):
                self.shown.append(Shown(event.reason, event.detail))
            if isinstance(event, ProductPlanned) and event.reason:
                self.shown.append(Shown(event.reason, f"{event.item} {event.sku}: {event.detail}"))

    def _note_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        self.shown += [Shown(one.reason, one.detail) for one in outcomes if isinstance(one, Refused)]

    def product(self, item: str) -> dict[str, Any] | None:
        """The product of an item as the shop holds it."""
        link = self.publisher.state.records.get(("link", f"main:{item}"))
        return self.catalogue.held(link.product_id) if isinstance(link, ProductLinked) else None

    async def spoil(self, resource: str, spoil: Spoil) -> None:
        """Balance answers the next reading of a resource otherwise."""
        url = f"{self.feed.settings.balance.url}/{resource}"
        async with httpx.AsyncClient(auth=("integration", "sandbox")) as client:
            found: list[Row] = (await client.get(url)).raise_for_status().json()
        spoiled = spoil(found)
        body = json.dumps(found if spoiled is None else spoiled, ensure_ascii=False)
        self.feed.trouble("status", f"GET .*/{resource}$", status=200, body=body, times=1)


def _known(consumer: Consumer, events: Sequence[Event]) -> list[Event]:
    return [event for event in events if type(event) in consumer.handlers.remember]


def selling(**more: Any) -> Settings:
    """The shop sells what lies in all folders of goods, from the main warehouse."""
    folders = (goods.GOODS, goods.DRINKS, goods.FOOD, goods.HOME, goods.PAPER, goods.CLOTHES)
    catalogue = {"groups": {goods.group_uid(path): TEA_CATEGORY for path in folders}}
    prices = {"regular_type": REGULAR, "sale_type": SALE}
    stock = {"policy": "single", "warehouses": [MAIN]} | more
    known = catalogue_bench.settings(LIVE, catalogue=catalogue, prices=prices, stock=stock)
    balance = known.balance.model_copy(update={"currencies": {"GEL": GEL}})
    return known.model_copy(update={"balance": balance})


@asynccontextmanager
async def chain(folder: Path, rules: Settings | None = None) -> AsyncIterator[Chain]:
    """An empty shop beside a Balance with a small catalogue."""
    rules = rules or selling()
    async with opened_feed(folder) as feed, catalogue_bench.world(rules) as world:
        world.consumer.state.now = feed.clock()
        publisher = Consumer(publisher_handlers(rules))
        publisher.state.now = feed.clock()
        yield Chain(feed, world, publisher, StockDeliveries(world.client, feed.clock))
