"""A new shop starts in dry run: everything is worked out and announced, nothing is written; then it goes live."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from contracts.catalog import ProductPlanned
from contracts.ledger import CreditNotePlanned, SalePlanned
from services.demo.environment import ALL_LIVE
from services.demo.kafka import Broker
from tests.end_to_end.stage import ALL, QUIET, Stage, stage

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.xdist_group("dry-run"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]
WEBHOOKS = "POST /wp-json/wc/v3/webhooks"
"""The only thing that a dry run leaves in a shop: otherwise it would not hear of orders."""


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="stage")
async def _stage(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """The settings say nothing about the flows."""
    async with stage(tmp_path_factory.mktemp("dry-run"), kafka.bootstrap_servers, flows={}) as made:
        await made.programs.start("up", services=len(ALL))
        yield made


@pytest.mark.claim("S0.34", "S0.36", "S1.11")
async def test_a_dry_run_announces_everything_and_writes_nothing(stage: Stage) -> None:
    # given a shop that was just added, when it sells and gives back
    before = await stage.writes()
    shelves = (await stage.world.storefront())["products"]
    given_back = [stage.supply.refunded() for _ in range(2)]
    bought = [*stage.supply.orders(3), *[order_id for order_id, _ in given_back]]
    await stage.place(*bought)
    await stage.until(lambda: len(_planned(stage, SalePlanned)) == len(bought), "every Sale is planned")
    for order_id, refund_ids in given_back:
        await stage.refund(order_id, *refund_ids)
    refunds = sum(len(refund_ids) for _, refund_ids in given_back)
    await stage.until(lambda: len(_planned(stage, CreditNotePlanned)) == refunds, "every credit note is planned")
    products = len(stage.expected)
    await stage.until(lambda: len(_products(stage)) == products, "every product is planned")
    # then each plan is the whole document
    orders = {order["id"]: order for order in (await stage.world.storefront())["orders"]}
    for plan in _planned(stage, SalePlanned).values():
        assert plan.total == Decimal(orders[plan.order_id]["total"])
        assert sum(Decimal(str(line["Amount"])) for line in plan.sent["Items"]) == plan.total
    assert all(plan.sent["BaseDocument"] for plan in _planned(stage, CreditNotePlanned).values())
    assert all(plan.payload and plan.payload.regular_price for plan in _products(stage) if plan.action == "create")
    # and neither system was written to
    after = await stage.writes()
    assert after["balance"] == before["balance"] == {}
    assert set(after["shop"]) - set(before["shop"]) <= {WEBHOOKS}
    books = await stage.world.books()
    assert (books["sales"], books["credit_notes"]) == ([], [])
    assert _without_stock((await stage.world.storefront())["products"]) == _without_stock(shelves)


@pytest.mark.claim("I3", "S1.10", "S2.26")
async def test_a_plan_is_carried_out_exactly_as_it_was_shown(stage: Stage) -> None:
    # given the plan of the first import, prices included
    await stage.comes_to_rest()
    plan = (await stage.davtari("plan", "items", "--json", "--html", "plan.html", "--csv", "plan.csv")).json
    assert (plan["counts"]["create"], plan["counts"]["adopt"]) == (_count(stage, "create"), _count(stage, "adopt"))
    page = (stage.world.folder / "plan.html").read_text(encoding="utf-8")
    assert all(change["sku"] in page for change in plan["changes"] if change["sku"].isalnum())
    # when it is applied, although the flow stays in dry run
    said = await stage.davtari("apply", plan["plan"], "--json")
    # then exactly its products stand in the shop, new ones as drafts
    assert said.json == {"plan": plan["plan"], "written": len(plan["changes"]), "left_out": {}}
    shelves = (await stage.world.storefront())["products"]
    created = [change["sku"] for change in plan["changes"] if change["action"] == "create"]
    assert {shelves[sku]["status"] for sku in created} == {"draft"}
    # and there is nothing more to do; the plan is not there twice
    again = (await stage.davtari("plan", "items", "--json")).json
    assert again["changes"] == []
    stale = await stage.davtari("apply", plan["plan"])
    assert (stale.code, "is out of date" in stale.err) == (1, True)


def _count(stage: Stage, action: str) -> int:
    return sum(plan.action == action for plan in stage.ledger.plans.values())


@pytest.mark.claim("S0.36", "S1.11")
async def test_going_live_carries_the_plans_out(stage: Stage) -> None:
    # given a dry run that has planned it all, when the flows go live
    planned = {plan.order_id: plan for plan in _planned(stage, SalePlanned).values()}
    assert await stage.programs.stop("up") == [0]
    stage.world.write_settings(ALL_LIVE, **QUIET)
    await stage.programs.start("up", services=len(ALL))
    # then what was planned is what stands there
    await stage.closes()
    assert {sale.order_id for sale in stage.ledger.sales.values()} == set(planned)
    for sale in stage.ledger.sales.values():
        assert (sale.sale, sale.sent) == (planned[sale.order_id].sale, planned[sale.order_id].sent)


def _planned(stage: Stage, kind: Any) -> dict[str, Any]:
    """The newest plan of each document."""
    return {one.subject: one.data for one in stage.ledger.story if isinstance(one.data, kind)}


def _products(stage: Stage) -> list[ProductPlanned]:
    return [plan for plan in stage.ledger.plans.values() if plan.action != "skip"]


def _without_stock(products: dict[str, Any]) -> dict[str, Any]:
    """Orders take pieces off the shelves by themselves."""
    moved = ("stock_quantity", "stock_status")
    return {sku: {k: v for k, v in shelf.items() if k not in moved} for sku, shelf in products.items()}
