"""The moments at which a service is killed: which service, what it was doing upstream, and what made it do so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from contracts.operations import ImportRequested
from services.cli.requests import command_header
from services.engine.client.commands import send_command
from services.engine.clock import utc_now
from services.sandbox.balance.catalogue import STANDARD_CATALOGUE, requested_goods
from tests.end_to_end import journal
from tests.end_to_end.stage import Stage
from tests.end_to_end.waiting import until

Cause = Callable[[Stage], Awaitable[None]]
HELD: Mapping[str, Any] = {"kind": "latency", "seconds": 60, "times": 1}
"""The request arrives and is not looked at: nothing is done upstream when the service dies."""
DONE: Mapping[str, Any] = {"kind": "commit_then_timeout", "seconds": 60, "times": 1}
"""The request is carried out and never answered: the service dies without knowing."""
DOWN: Mapping[str, Any] = {"kind": "outage"}


@dataclass(frozen=True, slots=True)
class Point:
    """One moment. `match` finds the request ("METHOD /path") that is under way when the service dies."""

    service: str
    upstream: str
    fault: Mapping[str, Any]
    match: str
    cause: Cause

    def sandbox(self, stage: Stage) -> httpx.AsyncClient:
        """The upstream that the service was talking to."""
        return stage.world.shop if self.upstream == "shop" else stage.world.balance

    @asynccontextmanager
    async def reached(self, stage: Stage) -> AsyncIterator[None]:
        """The service stands at this point when the context begins; the trouble is over when it ends."""
        sandbox = self.sandbox(stage)
        met, before = await self._met(sandbox), await _standing(stage)
        async with journal.trouble(sandbox, match=self.match, **self.fault):
            await self.cause(stage)
            await until(lambda: self._met_again(sandbox, met), f"{self.service} asked for {self.match}")
            if self.fault is DONE:
                await until(lambda: _changed(stage, before), f"{self.upstream} did what {self.service} asked for")
            yield

    async def _met_again(self, sandbox: httpx.AsyncClient, met: int) -> bool:
        return await self._met(sandbox) > met

    async def _met(self, sandbox: httpx.AsyncClient) -> int:
        return len(await journal.troubled(sandbox, self.fault["kind"]))


Standing = tuple[object, object]


async def _standing(stage: Stage) -> Standing:
    """All that a service can have changed: the books, and the shop's shelves (orders move by themselves)."""
    storefront = await stage.world.storefront()
    shop = (storefront["counts"]["products"], storefront["products"], storefront["notes"])
    return await stage.world.books(), shop


async def _changed(stage: Stage, before: Standing) -> bool:
    return await _standing(stage) != before


async def an_order(stage: Stage) -> None:
    """Somebody buys."""
    await stage.place(stage.supply.order())


async def an_order_of_a_person(stage: Stage) -> None:
    """Somebody buys and gives a personal number, which Balance does not know yet."""
    await stage.place(stage.supply.order_of_a_person())


async def a_refund(stage: Stage) -> None:
    """Somebody gives back what the books hold as sold."""
    order_id, refund_ids = stage.supply.refunded()
    await stage.place(order_id)
    await stage.until(lambda: f"main:{order_id}" in stage.ledger.sales, f"the Sale of order {order_id}")
    await stage.refund(order_id, *refund_ids)


async def new_items(stage: Stage) -> None:
    """Balance gets three new items that the shop does not have."""
    like = next(good for good in requested_goods(STANDARD_CATALOGUE) if good.article.startswith("EXTRA"))
    for _ in range(3):
        uid = str(uuid4())
        article = f"NEW-{uid[:8]}"
        await stage.change(f"items/{uid}", **like.fields(article) | {"InternalArticle": article})
        stage.expected |= {article}
    await read_balance(stage, "items")


async def other_prices(stage: Stage) -> None:
    """Three items get another price."""
    for link in _linked(stage, 3):
        await stage.change("prices", item=link, price=f"{len(stage.ledger.story) % 900 + 100}.15")
    await read_balance(stage, "prices")


async def other_stock(stage: Stage) -> None:
    """Three items get another quantity."""
    for link in _linked(stage, 3):
        await stage.change("stocks", item=link, warehouse="Main", quantity=str(len(stage.ledger.story) % 900 + 100))
    await read_balance(stage, "stock")


def _linked(stage: Stage, count: int) -> list[str]:
    found = sorted(link.item for link in stage.ledger.links.values() if link.sku.startswith("EXTRA"))
    return found[:count]


async def read_balance(stage: Stage, resource: str) -> None:
    """Ask for an import and do not wait for the answer: whoever is to answer may be dead."""
    command = ImportRequested.model_validate({"resource": resource, **command_header()})
    await send_command(stage.settings.kafka, command, utc_now())


POINTS = {
    "order-exporter, before a Sale is written": Point("order-exporter", "balance", HELD, "PUT .*/Sale$", an_order),
    "order-exporter, after a Sale was written": Point("order-exporter", "balance", DONE, "PUT .*/Sale$", an_order),
    "order-exporter, looking for the Sale": Point("order-exporter", "balance", HELD, "GET .*/Sale$", an_order),
    "order-exporter, after a client was made": Point(
        "order-exporter", "balance", DONE, "PUT .*/Clients$", an_order_of_a_person
    ),
    "order-exporter, while Balance is down": Point("order-exporter", "balance", DOWN, "Sale", an_order),
    "refund-exporter, before a credit note": Point("refund-exporter", "balance", HELD, "PUT .*/SalesCredit$", a_refund),
    "refund-exporter, after a credit note": Point("refund-exporter", "balance", DONE, "PUT .*/SalesCredit$", a_refund),
    "refund-exporter, while Balance is down": Point("refund-exporter", "balance", DOWN, "SalesCredit", a_refund),
    "catalog-importer, before a batch": Point("catalog-importer", "shop", HELD, "POST .*/products/batch$", new_items),
    "catalog-importer, after a batch": Point("catalog-importer", "shop", DONE, "POST .*/products/batch$", new_items),
    "catalog-importer, after prices": Point("catalog-importer", "shop", DONE, "POST .*/products/batch$", other_prices),
    "stock-publisher, before a batch": Point("stock-publisher", "shop", HELD, "POST .*/products/batch$", other_stock),
    "stock-publisher, after a batch": Point("stock-publisher", "shop", DONE, "POST .*/products/batch$", other_stock),
    "store-feed, between webhook and look": Point("store-feed", "shop", HELD, r"GET .*/orders/\d+$", an_order),
    "store-feed, reading refunds": Point("store-feed", "shop", HELD, r"GET .*/orders/\d+/refunds$", a_refund),
    "order-notifier, before a note": Point("order-notifier", "shop", HELD, r"POST .*/orders/\d+/notes$", an_order),
    "order-notifier, after a note": Point("order-notifier", "shop", DONE, r"POST .*/orders/\d+/notes$", an_order),
    "balance-feed, in the middle of items": Point("balance-feed", "balance", HELD, "GET .*/Items$", new_items),
    "balance-feed, in the middle of stock": Point("balance-feed", "balance", HELD, "GET .*/Stocks$", other_stock),
}
