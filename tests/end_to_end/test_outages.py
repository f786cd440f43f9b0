"""Upstreams go away in the middle, webhooks get lost or come many times: a delay, and nothing else."""

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
from tests.end_to_end import journal
from tests.end_to_end.points import other_prices, other_stock
from tests.end_to_end.stage import ALL, Stage, stage
from tests.end_to_end.waiting import until

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
        id="asks for patience",
        marks=pytest.mark.long,
    ),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="stage")
async def _stage(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with stage(tmp_path_factory.mktemp("outages"), kafka.bootstrap_servers) as made:
        await made.programs.start("up", services=len(ALL))
        await made.closes()
        yield made


@pytest.mark.claim("S0.2", "S1.17")
@pytest.mark.parametrize("outage", OUTAGES)
async def test_balance_goes_away(stage: Stage, outage: dict[str, Any]) -> None:
    # given an order in the books
    given_back, refund_ids = stage.supply.refunded()
    await stage.place(given_back)
    await stage.until(lambda: f"main:{given_back}" in stage.ledger.sales, "the Sale of the order that is given back")
    # when Balance goes away, and the shop goes on selling and giving back
    bought = stage.supply.orders(2)
    async with _gone(stage, stage.world.balance, outage):
        await stage.place(*bought)
        await stage.refund(given_back, *refund_ids)
        await until(lambda: _waits(stage, "order-exporter", "refund-exporter"), "both exporters wait")
        # then nothing is held against any document, and the shop's orders are as they were
        assert {row.attempts for row in stage.rows()} == {"[]"}
        assert {order["status"] for order in await _orders(stage, bought)} == {"processing"}
    # and all of it recovers by itself
    await stage.closes()
    assert not [one for one in stage.ledger.story if isinstance(one.data, DeadLettered)]


@pytest.mark.claim("K16")
@pytest.mark.parametrize("outage", OUTAGES)
async def test_the_shop_goes_away(stage: Stage, outage: dict[str, Any]) -> None:
    # given a shop whose REST API goes away while its webhooks still come
    async with _gone(stage, stage.world.shop, outage):
        # when somebody buys, and prices and stock change in Balance
        await stage.place(stage.supply.order())
        await other_prices(stage)
        await other_stock(stage)
        await until(lambda: _waits(stage, "store-feed", "catalog-importer", "stock-publisher"), "all three wait")
        # then nothing is held against any of it, but a write that was cut off on its way will be looked up first
        held = [attempt["outcome"] for row in stage.rows() for attempt in json.loads(row.attempts)]
        assert set(held) <= {"unknown"}
    # and all of it arrives when the shop is back
    await stage.closes()
    assert not [one for one in stage.ledger.story if isinstance(one.data, DeadLettered)]


@pytest.mark.claim("S3.43")
async def test_every_webhook_is_lost(stage: Stage) -> None:
    # given a shop whose webhooks all get lost
    sent = await _sent(stage)
    async with _webhooks(stage, drop_every=1):
        # when it sells and gives back
        order_id, refund_ids = stage.supply.refunded()
        await stage.place(order_id, *stage.supply.orders(2))
        await stage.until(lambda: f"main:{order_id}" in stage.ledger.sales, "the Sale of the order that is given back")
        await stage.refund(order_id, *refund_ids)
        # then the sweep finds everything
        await stage.closes()
    assert await _sent(stage) == sent


@pytest.mark.long
@pytest.mark.claim("K2")
async def test_every_webhook_comes_twenty_times_in_any_order(stage: Stage) -> None:
    # given a shop that sends every webhook twenty times, in random order
    sent = len(await _sent(stage))
    order_id, refund_ids = stage.supply.refunded()
    async with _webhooks(stage, hold=True):
        await stage.place(order_id, *stage.supply.orders(3))
        assert await _deliver(stage, repeat=20, shuffle=True) == 4 * 2 * 20
        await stage.until(lambda: f"main:{order_id}" in stage.ledger.sales, "the Sale of the order that is given back")
        # when a refund is told of as often
        await stage.refund(order_id, *refund_ids)
        await _deliver(stage, repeat=20, shuffle=True)
        # then there is one Sale of each order, and one credit note
        await stage.closes()
    assert len(await _sent(stage)) > sent + 4 * 2 * 20


@pytest.mark.claim("K3")
async def test_the_receiver_is_away_until_the_shop_switches_its_webhooks_off(stage: Stage) -> None:
    # given a Davtari that is away for so long that WooCommerce disables the webhooks
    await stage.programs.kill("up")
    await stage.place(*stage.supply.orders(7))
    await until(lambda: _hooks_are(stage, "disabled"), "the shop has switched webhooks off")
    # when it comes back
    await stage.programs.start("up", services=len(ALL))
    # then every order is found, and the webhooks are on again
    await stage.closes()
    await until(lambda: _hooks_are(stage, "active", every=True), "all webhooks are on again")
    # and whoever reads the log is told once
    told = [line for line in stage.programs["up"].heard("webhooks repaired") if line["enabled"]]
    assert len(told) == 1, told


@asynccontextmanager
async def _gone(stage: Stage, sandbox: httpx.AsyncClient, outage: Mapping[str, Any]) -> AsyncIterator[None]:
    """An upstream is away; before it comes back it has been tried in vain a few times."""
    met = len(await journal.troubled(sandbox, "outage"))

    async def tried() -> bool:
        knocked = len(await journal.troubled(sandbox, "outage")) >= met + TRIES
        return knocked and bool(stage.programs["up"].heard("lane waits"))

    async with journal.trouble(sandbox, **outage):
        yield
        await until(tried, "the upstream was tried in vain")


async def _waits(stage: Stage, *services: str) -> bool:
    return {row.service for row in stage.rows()} >= set(services)


async def _orders(stage: Stage, order_ids: list[int]) -> list[dict[str, Any]]:
    return [order for order in (await stage.world.storefront())["orders"] if order["id"] in order_ids]


@asynccontextmanager
async def _webhooks(stage: Stage, **manner: Any) -> AsyncIterator[None]:
    """The shop's webhooks misbehave for as long as the context lasts."""
    (await stage.world.shop.put("/_sandbox/webhooks/manner", json=manner)).raise_for_status()
    try:
        yield
    finally:
        (await stage.world.shop.put("/_sandbox/webhooks/manner", json={})).raise_for_status()


async def _deliver(stage: Stage, **manner: Any) -> int:
    """Send the webhooks that are held; gives how many deliveries that were."""
    answer = await stage.world.shop.post("/_sandbox/webhooks/deliver", json=manner, timeout=60)
    return int(answer.raise_for_status().json()["handled"])


async def _sent(stage: Stage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await stage.world.shop.get("/_sandbox/webhooks/sent")).raise_for_status().json()
    return found


async def _hooks_are(stage: Stage, status: str, *, every: bool = False) -> bool:
    hooks = (await stage.world.storefront())["webhooks"]
    found = [hook["status"] == status for hook in hooks if not hook["name"].startswith(MARK)]
    return all(found) if every else any(found)
