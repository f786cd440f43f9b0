"""Upstreams become unavailable, webhooks get lost or arrive many times: documents are delayed, not lost."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio

from contracts.operations import DeadLettered
from services.connectors.identity.evidence import MARK
from services.demo.kafka import Broker
from tests.end_to_end import sandbox_requests
from tests.end_to_end.kill_points import change_prices, change_stock
from tests.end_to_end.system import ALL_SERVICES, SystemUnderTest, start_system
from tests.end_to_end.waiting import wait_until

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.xdist_group("outages"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]
TRIES = 3
OUTAGES = [
    pytest.param({"kind": "outage"}, id="answers 503", marks=pytest.mark.long),
    pytest.param({"kind": "outage", "status": None}, id="cuts every connection"),
    pytest.param(
        {"kind": "outage", "status": 429, "headers": {"Retry-After": "1"}},
        id="answers 429",
        marks=pytest.mark.long,
    ),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="system")
async def _system(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SystemUnderTest]:
    async with start_system(tmp_path_factory.mktemp("outages"), kafka.bootstrap_servers) as made:
        await made.programs.start("up", services=len(ALL_SERVICES))
        await made.wait_until_consistent()
        yield made


@pytest.mark.claim("S0.2", "S1.17")
@pytest.mark.parametrize("outage", OUTAGES)
async def test_orders_and_refunds_wait_while_balance_is_unavailable(
    system: SystemUnderTest, outage: dict[str, Any]
) -> None:
    # given an order in the books
    given_back, refund_ids = system.supply.refunded()
    await system.place(given_back)
    await system.wait_until(
        lambda: f"main:{given_back}" in system.ledger.sales, "the Sale of the order that is given back"
    )
    # when Balance becomes unavailable while orders and refunds arrive
    bought = system.supply.orders(2)
    async with _gone(system, system.world.balance, outage):
        await system.place(*bought)
        await system.refund(given_back, *refund_ids)
        await wait_until(lambda: _waits(system, "order-exporter", "refund-exporter"), "both exporters wait")
        # then no attempt is counted, and the shop's orders are unchanged
        assert {row.attempts for row in system.list_waiting_deliveries()} == {"[]"}
        assert {order["status"] for order in await _orders(system, bought)} == {"processing"}
    # and all of it recovers by itself
    await system.wait_until_consistent()
    assert not [one for one in system.ledger.story if isinstance(one.data, DeadLettered)]


@pytest.mark.claim("K16")
@pytest.mark.parametrize("outage", OUTAGES)
async def test_changes_wait_while_the_shop_is_unavailable(system: SystemUnderTest, outage: dict[str, Any]) -> None:
    # given a shop whose REST API is unavailable while its webhooks arrive
    async with _gone(system, system.world.shop, outage):
        # when an order is placed, and prices and stock change in Balance
        await system.place(system.supply.order())
        await change_prices(system)
        await change_stock(system)
        await wait_until(lambda: _waits(system, "store-feed", "catalog-importer", "stock-publisher"), "all three wait")
        # then no attempt is counted, except an interrupted write, which is looked up before it is repeated
        held = [attempt["outcome"] for row in system.list_waiting_deliveries() for attempt in json.loads(row.attempts)]
        assert set(held) <= {"unknown"}
    # and everything is delivered when the shop is available again
    await system.wait_until_consistent()
    assert not [one for one in system.ledger.story if isinstance(one.data, DeadLettered)]


@pytest.mark.claim("S3.43")
async def test_the_sweep_finds_orders_whose_webhooks_were_lost(system: SystemUnderTest) -> None:
    # given a shop whose webhooks are all lost
    sent = await _sent(system)
    async with _webhooks(system, drop_every=1):
        # when orders and refunds arrive
        order_id, refund_ids = system.supply.refunded()
        await system.place(order_id, *system.supply.orders(2))
        await system.wait_until(
            lambda: f"main:{order_id}" in system.ledger.sales, "the Sale of the order that is given back"
        )
        await system.refund(order_id, *refund_ids)
        # then the sweep finds everything
        await system.wait_until_consistent()
    assert await _sent(system) == sent


@pytest.mark.long
@pytest.mark.claim("K2")
async def test_repeated_webhooks_in_any_order_create_one_document(system: SystemUnderTest) -> None:
    # given a shop that sends every webhook twenty times, in random order
    sent = len(await _sent(system))
    order_id, refund_ids = system.supply.refunded()
    async with _webhooks(system, hold=True):
        await system.place(order_id, *system.supply.orders(3))
        assert await _deliver(system, repeat=20, shuffle=True) == 4 * 2 * 20
        await system.wait_until(
            lambda: f"main:{order_id}" in system.ledger.sales, "the Sale of the order that is given back"
        )
        # when a refund is delivered as often
        await system.refund(order_id, *refund_ids)
        await _deliver(system, repeat=20, shuffle=True)
        # then there is one Sale of each order, and one credit note
        await system.wait_until_consistent()
    assert len(await _sent(system)) > sent + 4 * 2 * 20


@pytest.mark.claim("K3")
async def test_webhooks_disabled_by_the_shop_are_enabled_again(system: SystemUnderTest) -> None:
    # given services that are stopped for so long that WooCommerce disables the webhooks
    await system.programs.kill("up")
    await system.place(*system.supply.orders(7))
    await wait_until(lambda: _hooks_are(system, "disabled"), "the shop has disabled webhooks")
    # when they start again
    await system.programs.start("up", services=len(ALL_SERVICES))
    # then every order is found, and the webhooks are active again
    await system.wait_until_consistent()
    await wait_until(lambda: _hooks_are(system, "active", every=True), "all webhooks are active again")
    # and the log reports it once
    reports = [line for line in system.programs["up"].logged("webhooks repaired") if line["enabled"]]
    assert len(reports) == 1, reports


@asynccontextmanager
async def _gone(system: SystemUnderTest, sandbox: httpx.AsyncClient, outage: Mapping[str, Any]) -> AsyncIterator[None]:
    """An upstream is away; before it comes back, a few requests to it have failed."""
    met = len(await sandbox_requests.list_faulted_requests(sandbox, "outage"))

    async def has_failed_requests() -> bool:
        enough = len(await sandbox_requests.list_faulted_requests(sandbox, "outage")) >= met + TRIES
        return enough and bool(system.programs["up"].logged("lane waits"))

    async with sandbox_requests.inject_fault(sandbox, **outage):
        yield
        await wait_until(has_failed_requests, "a few requests to the upstream failed")


async def _waits(system: SystemUnderTest, *services: str) -> bool:
    return {row.service for row in system.list_waiting_deliveries()} >= set(services)


async def _orders(system: SystemUnderTest, order_ids: list[int]) -> list[dict[str, Any]]:
    return [order for order in (await system.world.storefront())["orders"] if order["id"] in order_ids]


@asynccontextmanager
async def _webhooks(system: SystemUnderTest, **manner: Any) -> AsyncIterator[None]:
    """The shop's webhooks misbehave for as long as the context lasts."""
    (await system.world.shop.put("/_sandbox/webhooks/manner", json=manner)).raise_for_status()
    try:
        yield
    finally:
        (await system.world.shop.put("/_sandbox/webhooks/manner", json={})).raise_for_status()


async def _deliver(system: SystemUnderTest, **manner: Any) -> int:
    """Send the webhooks that are held; gives how many deliveries that were."""
    answer = await system.world.shop.post("/_sandbox/webhooks/deliver", json=manner, timeout=60)
    return int(answer.raise_for_status().json()["handled"])


async def _sent(system: SystemUnderTest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await system.world.shop.get("/_sandbox/webhooks/sent")).raise_for_status().json()
    return found


async def _hooks_are(system: SystemUnderTest, status: str, *, every: bool = False) -> bool:
    hooks = (await system.world.storefront())["webhooks"]
    found = [hook["status"] == status for hook in hooks if not hook["name"].startswith(MARK)]
    return all(found) if every else any(found)
