"""The moments at which a service is killed: the service, its request in flight, and what causes the request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from contracts.operations import ImportRequested
from services.cli.requests import command_header
from services.engine.client.commands import issue
from services.sandbox.balance.catalogue import STANDARD_CATALOGUE, requested_goods
from tests.end_to_end import sandbox_requests
from tests.end_to_end.system import SystemUnderTest
from tests.end_to_end.waiting import wait_until

Cause = Callable[[SystemUnderTest], Awaitable[None]]
NOT_PROCESSED: Mapping[str, Any] = {"kind": "latency", "seconds": 60, "times": 1}
"""The request arrives but is not processed: nothing has changed upstream when the service dies."""
PROCESSED: Mapping[str, Any] = {"kind": "commit_then_timeout", "seconds": 60, "times": 1}
"""The request is processed but never answered: the service dies without knowing the result."""
OUTAGE: Mapping[str, Any] = {"kind": "outage"}


@dataclass(frozen=True, slots=True)
class KillPoint:
    """One moment. `match` is a pattern of the request ("METHOD /path") in flight when the service dies."""

    service: str
    upstream: str
    fault: Mapping[str, Any]
    match: str
    cause: Cause

    def sandbox(self, system: SystemUnderTest) -> httpx.AsyncClient:
        """The upstream that receives the request."""
        return system.world.shop if self.upstream == "shop" else system.world.balance

    @asynccontextmanager
    async def reach(self, system: SystemUnderTest) -> AsyncIterator[None]:
        """The service is at this point when the context begins; the fault is removed when it ends."""
        sandbox = self.sandbox(system)
        faults, before = await self._count_faults(sandbox), await _read_upstreams(system)
        async with sandbox_requests.inject_fault(sandbox, match=self.match, **self.fault):
            await self.cause(system)
            await wait_until(lambda: self._is_faulted_again(sandbox, faults), f"{self.service} sent {self.match}")
            if self.fault is PROCESSED:
                await wait_until(
                    lambda: _changed(system, before), f"{self.upstream} processed the request of {self.service}"
                )
            yield

    async def _is_faulted_again(self, sandbox: httpx.AsyncClient, faults: int) -> bool:
        return await self._count_faults(sandbox) > faults

    async def _count_faults(self, sandbox: httpx.AsyncClient) -> int:
        return len(await sandbox_requests.list_faulted_requests(sandbox, self.fault["kind"]))


UpstreamState = tuple[object, object]


async def _read_upstreams(system: SystemUnderTest) -> UpstreamState:
    """What a service can change: the books, and products and notes of the shop (orders change by themselves)."""
    storefront = await system.world.storefront()
    shop = (storefront["counts"]["products"], storefront["products"], storefront["notes"])
    return await system.world.books(), shop


async def _changed(system: SystemUnderTest, before: UpstreamState) -> bool:
    return await _read_upstreams(system) != before


async def place_order(system: SystemUnderTest) -> None:
    """Place an order."""
    await system.place(system.supply.order())


async def place_order_with_personal_number(system: SystemUnderTest) -> None:
    """Place an order with a personal number that Balance does not know yet."""
    await system.place(system.supply.order_of_a_person())


async def place_and_refund_order(system: SystemUnderTest) -> None:
    """Place an order, wait for its Sale, and refund it."""
    order_id, refund_ids = system.supply.refunded()
    await system.place(order_id)
    await system.wait_until(lambda: f"main:{order_id}" in system.ledger.sales, f"the Sale of order {order_id}")
    await system.refund(order_id, *refund_ids)


async def add_items(system: SystemUnderTest) -> None:
    """Add three items to Balance that the shop does not have."""
    like = next(good for good in requested_goods(STANDARD_CATALOGUE) if good.article.startswith("EXTRA"))
    for _ in range(3):
        uid = str(uuid4())
        article = f"NEW-{uid[:8]}"
        await system.change(f"items/{uid}", **like.fields(article) | {"InternalArticle": article})
        system.expected |= {article}
    await request_import(system, "items")


async def change_prices(system: SystemUnderTest) -> None:
    """Change the prices of three items."""
    for link in _linked(system, 3):
        await system.change("prices", item=link, price=f"{len(system.ledger.story) % 900 + 100}.15")
    await request_import(system, "prices")


async def change_stock(system: SystemUnderTest) -> None:
    """Change the quantities of three items."""
    for link in _linked(system, 3):
        await system.change("stocks", item=link, warehouse="Main", quantity=str(len(system.ledger.story) % 900 + 100))
    await request_import(system, "stock")


def _linked(system: SystemUnderTest, count: int) -> list[str]:
    found = sorted(link.item for link in system.ledger.links.values() if link.sku.startswith("EXTRA"))
    return found[:count]


async def request_import(system: SystemUnderTest, resource: str) -> None:
    """Request an import without waiting for the result: the service that handles it may be dead."""
    command = ImportRequested.model_validate({"resource": resource, **command_header()})
    await issue(system.settings, command, asked_by="nino")


KILL_POINTS = {
    "order-exporter, before a Sale is written": KillPoint(
        "order-exporter", "balance", NOT_PROCESSED, "PUT .*/Sale$", place_order
    ),
    "order-exporter, after a Sale was written": KillPoint(
        "order-exporter", "balance", PROCESSED, "PUT .*/Sale$", place_order
    ),
    "order-exporter, while searching for the Sale": KillPoint(
        "order-exporter", "balance", NOT_PROCESSED, "GET .*/Sale$", place_order
    ),
    "order-exporter, after a client was created": KillPoint(
        "order-exporter", "balance", PROCESSED, "PUT .*/Clients$", place_order_with_personal_number
    ),
    "order-exporter, while Balance is down": KillPoint("order-exporter", "balance", OUTAGE, "Sale", place_order),
    "refund-exporter, before a credit note": KillPoint(
        "refund-exporter", "balance", NOT_PROCESSED, "PUT .*/SalesCredit$", place_and_refund_order
    ),
    "refund-exporter, after a credit note": KillPoint(
        "refund-exporter", "balance", PROCESSED, "PUT .*/SalesCredit$", place_and_refund_order
    ),
    "refund-exporter, while Balance is down": KillPoint(
        "refund-exporter", "balance", OUTAGE, "SalesCredit", place_and_refund_order
    ),
    "catalog-importer, before a batch": KillPoint(
        "catalog-importer", "shop", NOT_PROCESSED, "POST .*/products/batch$", add_items
    ),
    "catalog-importer, after a batch": KillPoint(
        "catalog-importer", "shop", PROCESSED, "POST .*/products/batch$", add_items
    ),
    "catalog-importer, after prices": KillPoint(
        "catalog-importer", "shop", PROCESSED, "POST .*/products/batch$", change_prices
    ),
    "stock-publisher, before a batch": KillPoint(
        "stock-publisher", "shop", NOT_PROCESSED, "POST .*/products/batch$", change_stock
    ),
    "stock-publisher, after a batch": KillPoint(
        "stock-publisher", "shop", PROCESSED, "POST .*/products/batch$", change_stock
    ),
    "store-feed, between webhook and reading the order": KillPoint(
        "store-feed", "shop", NOT_PROCESSED, r"GET .*/orders/\d+$", place_order
    ),
    "store-feed, while reading refunds": KillPoint(
        "store-feed", "shop", NOT_PROCESSED, r"GET .*/orders/\d+/refunds$", place_and_refund_order
    ),
    "order-notifier, before a note": KillPoint(
        "order-notifier", "shop", NOT_PROCESSED, r"POST .*/orders/\d+/notes$", place_order
    ),
    "order-notifier, after a note": KillPoint(
        "order-notifier", "shop", PROCESSED, r"POST .*/orders/\d+/notes$", place_order
    ),
    "balance-feed, while reading items": KillPoint(
        "balance-feed", "balance", NOT_PROCESSED, "GET .*/Items$", add_items
    ),
    "balance-feed, while reading stock": KillPoint(
        "balance-feed", "balance", NOT_PROCESSED, "GET .*/Stocks$", change_stock
    ),
}
