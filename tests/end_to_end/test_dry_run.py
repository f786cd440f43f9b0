"""A new shop starts in dry run: everything is planned and published, nothing is written; then it goes live."""

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
from tests.end_to_end.system import ALL_SERVICES, NO_SCHEDULED_IMPORTS, SystemUnderTest, start_system

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.xdist_group("dry-run"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]
WEBHOOKS = "POST /wp-json/wc/v3/webhooks"
"""The only writes of a dry run in a shop: without webhooks it would not learn of orders."""


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="system")
async def _system(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SystemUnderTest]:
    """A system without configured flows."""
    async with start_system(tmp_path_factory.mktemp("dry-run"), kafka.bootstrap_servers, flows={}) as made:
        await made.programs.start("up", services=len(ALL_SERVICES))
        yield made


@pytest.mark.claim("S0.34", "S0.36", "S1.11")
async def test_a_dry_run_plans_everything_and_writes_nothing(system: SystemUnderTest) -> None:
    # given a new shop, when orders and refunds arrive
    before = await system.writes()
    products_before = (await system.world.storefront())["products"]
    given_back = [system.supply.refunded() for _ in range(2)]
    bought = [*system.supply.orders(3), *[order_id for order_id, _ in given_back]]
    await system.place(*bought)
    await system.wait_until(lambda: len(_planned(system, SalePlanned)) == len(bought), "every Sale is planned")
    for order_id, refund_ids in given_back:
        await system.refund(order_id, *refund_ids)
    refunds = sum(len(refund_ids) for _, refund_ids in given_back)
    await system.wait_until(lambda: len(_planned(system, CreditNotePlanned)) == refunds, "every credit note is planned")
    products = len(system.expected)
    await system.wait_until(lambda: len(_products(system)) == products, "every product is planned")
    # then each plan is the whole document
    orders = {order["id"]: order for order in (await system.world.storefront())["orders"]}
    for plan in _planned(system, SalePlanned).values():
        assert plan.total == Decimal(orders[plan.order_id]["total"])
        assert sum(Decimal(str(line["Amount"])) for line in plan.sent["Items"]) == plan.total
    assert all(plan.sent["BaseDocument"] for plan in _planned(system, CreditNotePlanned).values())
    assert all(plan.payload and plan.payload.regular_price for plan in _products(system) if plan.action == "create")
    # and neither system was written to
    after = await system.writes()
    assert after["balance"] == before["balance"] == {}
    assert set(after["shop"]) - set(before["shop"]) <= {WEBHOOKS}
    books = await system.world.books()
    assert (books["sales"], books["credit_notes"]) == ([], [])
    assert _without_stock((await system.world.storefront())["products"]) == _without_stock(products_before)


@pytest.mark.claim("I3", "S1.10", "S2.26")
async def test_a_plan_is_applied_exactly_as_shown(system: SystemUnderTest) -> None:
    # given the plan of the first import, prices included
    await system.wait_until_idle()
    plan = (await system.run_davtari("plan", "items", "--json", "--html", "plan.html", "--csv", "plan.csv")).json
    assert (plan["counts"]["create"], plan["counts"]["adopt"]) == (_count(system, "create"), _count(system, "adopt"))
    page = (system.world.folder / "plan.html").read_text(encoding="utf-8")
    assert all(change["sku"] in page for change in plan["changes"] if change["sku"].isalnum())
    # when it is applied, although the flow stays in dry run
    result = await system.run_davtari("apply", plan["plan"], "--json")
    # then exactly its products are in the shop, new ones as drafts
    assert result.json == {"plan": plan["plan"], "written": len(plan["changes"]), "left_out": {}}
    products = (await system.world.storefront())["products"]
    created = [change["sku"] for change in plan["changes"] if change["action"] == "create"]
    assert {products[sku]["status"] for sku in created} == {"draft"}
    # and there is nothing more to do; the same plan cannot be applied twice
    again = (await system.run_davtari("plan", "items", "--json")).json
    assert again["changes"] == []
    stale = await system.run_davtari("apply", plan["plan"])
    assert (stale.code, "is out of date" in stale.err) == (1, True)


def _count(system: SystemUnderTest, action: str) -> int:
    return sum(plan.action == action for plan in system.ledger.plans.values())


@pytest.mark.claim("S0.36", "S1.11")
async def test_going_live_executes_the_plans(system: SystemUnderTest) -> None:
    # given a dry run that has planned it all, when the flows go live
    planned = {plan.order_id: plan for plan in _planned(system, SalePlanned).values()}
    assert await system.programs.stop("up") == [0]
    system.world.write_settings(ALL_LIVE, **NO_SCHEDULED_IMPORTS)
    await system.programs.start("up", services=len(ALL_SERVICES))
    # then the Sales in Balance are those that were planned
    await system.wait_until_consistent()
    assert {sale.order_id for sale in system.ledger.sales.values()} == set(planned)
    for sale in system.ledger.sales.values():
        assert (sale.sale, sale.sent) == (planned[sale.order_id].sale, planned[sale.order_id].sent)


def _planned(system: SystemUnderTest, kind: Any) -> dict[str, Any]:
    """The newest plan of each document."""
    return {one.subject: one.data for one in system.ledger.story if isinstance(one.data, kind)}


def _products(system: SystemUnderTest) -> list[ProductPlanned]:
    return [plan for plan in system.ledger.plans.values() if plan.action != "skip"]


def _without_stock(products: dict[str, Any]) -> dict[str, Any]:
    """Without the stock fields, which orders change by themselves."""
    moved = ("stock_quantity", "stock_status")
    return {sku: {k: v for k, v in product.items() if k not in moved} for sku, product in products.items()}
