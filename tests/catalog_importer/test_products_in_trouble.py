"""What the importer refuses, survives and reports: unclear matches, excluded items, races, faults."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from contracts.reasons import Reason
from services.catalog_importer.deliveries import ProductDeliveries
from services.connectors.woocommerce.product import Product
from services.engine.outbox.outcome import Done, Outcome, Refused, Retry, Unknown
from services.sandbox.faults import InjectedFault
from services.sandbox.woocommerce.products import Products
from tests.catalog_importer.catalogue_bench import (
    DRY,
    LIVE,
    TEA,
    World,
    item,
    links,
    plans,
    price,
    priced,
    rows,
    settings,
    world,
)
from tests.support.memory_state import NOON

PRICED = priced("tea-100", price("14.75"))
BATCH = "/wp-json/wc/v3/products/batch"


def refusal(outcomes: list[Outcome]) -> Refused:
    [outcome] = outcomes
    assert isinstance(outcome, Refused)
    return outcome


@pytest.mark.claim("K22")
@pytest.mark.parametrize(
    ("prepare", "reason", "words"),
    [
        ("trashed", Reason.PRODUCT_IN_TRASH, "product 10 with SKU TEA-100 is in the shop's trash"),
        ("taken", Reason.PRODUCT_OF_OTHER_ITEM, "belongs to item green-tea"),
        ("variable", Reason.PRODUCT_SKU_AMBIGUOUS, "product 10 with SKU TEA-100 is variable"),
    ],
)
@pytest.mark.parametrize("flows", [LIVE, DRY])
async def test_a_match_that_is_not_clear_is_left_to_a_person(
    prepare: str, reason: Reason, words: str, flows: dict[str, str]
) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "taken": {"meta_data": [{"key": "_balance_uid", "value": "green-tea"}]},
        "variable": {"type": "variable"},
        "trashed": {"status": "trash"},
    }
    async with world(settings(flows)) as w:
        w.product(name="There", sku="TEA-100", **bodies[prepare])
        before = str(w.shop.products)
        published = plans(await w.take(item(), PRICED))
        reported = [(plan.reason, plan.detail) for plan in published] if flows == DRY else _refusals(w)
        assert [code for code, _ in reported] == [reason]
        assert words in reported[0][1]
        assert (w.writes(), str(w.shop.products)) == ([], before)


def _refusals(w: World) -> list[tuple[Reason, str]]:
    return [(refusal(w.outcomes).reason, refusal(w.outcomes).detail)]


async def test_a_product_in_the_trash_is_neither_written_nor_duplicated() -> None:
    async with world() as w:
        [link] = links(await w.take(item(), PRICED))
        Products(w.shop).delete(link.product_id, force=False)
        await w.take(priced("tea-100", price("16")))
        assert refusal(w.outcomes).reason == Reason.PRODUCT_IN_TRASH
        assert w.held(link.product_id)["regular_price"] == "14.75"


@pytest.mark.claim("S3.5")
async def test_a_new_sku_that_another_product_has_is_refused() -> None:
    async with world() as w:
        await w.take(item(), PRICED)
        w.product(name="Coffee", sku="COF-1")
        await w.take(item(sku="COF-1"))
        assert refusal(w.outcomes).reason == Reason.PRODUCT_SKU_AMBIGUOUS


async def test_a_category_that_is_not_there_is_refused_by_the_echo() -> None:
    async with world(settings(catalogue={"groups": {TEA: 999}})) as w:
        await w.take(item(), PRICED)
        reported = refusal(w.outcomes)
        assert reported.reason == Reason.SHOP_ECHO_DIFFERS
        assert "category_ids: meant '(999,)'" in reported.detail
        assert "SKU TEA-100" in reported.detail


@pytest.mark.claim("S0.41", "S0.43")
async def test_a_write_that_waited_while_its_group_was_shut_never_reaches_the_shop() -> None:
    async with world(settings(catalogue={"groups": {}, "allow_services": False})) as strict, world() as free:
        late = [*free.consumer.take(item(), PRICED)["main:tea-100"].deliveries]
        [outcome] = await strict.deliver(rows(late))
        assert isinstance(outcome, Done)
        assert [plan.reason for plan in plans(outcome.events)] == [Reason.PRODUCT_GROUP_NOT_MAPPED]
        assert strict.requests() == []


@pytest.mark.claim("S0.43")
async def test_a_service_in_a_group_of_goods_is_stopped_at_the_last_step_too() -> None:
    async with world() as strict, world(settings(catalogue={"allow_services": True})) as free:
        late = [*free.consumer.take(item(kind="service"), PRICED)["main:tea-100"].deliveries]
        [outcome] = await strict.deliver(rows(late))
        assert isinstance(outcome, Done)
        assert [plan.reason for plan in plans(outcome.events)] == [Reason.PRODUCT_NOT_GOODS]
        assert strict.requests() == []


@pytest.mark.claim("K22")
async def test_an_answer_that_never_came_makes_no_second_product() -> None:
    async with world() as w:
        decisions = w.consumer.take(item(), PRICED)
        due = rows(decisions["main:tea-100"].deliveries)
        w.faults.add(InjectedFault(kind="commit_then_reset", match="POST .*/batch", times=1))
        [first] = await w.deliver(due)
        assert isinstance(first, Unknown)
        [second] = await w.deliver(due)
        assert isinstance(second, Done)
        assert [link.how for link in links(second.events)] == ["adopted"]
        assert len(w.shop.products) == 1


@pytest.mark.claim("K22")
async def test_a_product_made_between_look_up_and_create_is_adopted() -> None:
    async with world() as w:
        w.deliver = ProductDeliveries(settings().shops["main"], Racing(w), lambda: NOON)
        [link] = links(await w.take(item(), PRICED))
        assert (link.how, len(w.shop.products)) == ("adopted", 1)
        assert w.held(link.product_id)["name"] == "Made meanwhile"


class Racing:
    """A shop in which someone else makes the product just after the first look-up."""

    def __init__(self, w: World) -> None:
        self.w = w
        self.product = w.client.product
        self.create_products = w.client.create_products
        self.update_products = w.client.update_products
        self.update_variations = w.client.update_variations

    async def products_by_sku(self, skus: Iterable[str]) -> dict[str, tuple[Product, ...]]:
        found = await self.w.client.products_by_sku(skus)
        if not self.w.shop.products:
            self.w.product(name="Made meanwhile", sku="TEA-100")
        return found


@pytest.mark.claim("K16")
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (InjectedFault(kind="status", match="GET", status=503, headers={"Retry-After": "7"}), Retry),
        (InjectedFault(kind="status", match="POST", status=429, headers={"Retry-After": "7"}), Retry),
        (InjectedFault(kind="status", match="GET", status=401), Retry),
        (InjectedFault(kind="status", match="POST", status=500), Unknown),
    ],
)
async def test_a_failing_shop_delays_writes_and_loses_none(fault: InjectedFault, outcome: type[Outcome]) -> None:
    async with world() as w:
        w.faults.add(fault)
        decisions = w.consumer.take(item(), PRICED)
        due = rows(decisions["main:tea-100"].deliveries)
        [first] = await w.deliver(due)
        assert isinstance(first, outcome)
        w.faults.clear()
        [second] = await w.deliver(due)
        assert isinstance(second, Done)
        assert len(w.shop.products) == 1


@pytest.mark.claim("K13")
async def test_one_product_that_cannot_be_read_stops_only_its_own_item() -> None:
    async with world() as w:
        broken = w.product(name="Broken", sku="TEA-7")
        w.shop.products[broken]["type"] = ["simple"]
        items = [item(f"tea-{n}") for n in range(20)]
        made = links(await w.take(*items, *[priced(one.item, price("5")) for one in items]))
        assert len(made) == 19
        [reported] = [outcome for outcome in w.outcomes if isinstance(outcome, Refused)]
        assert reported.reason == Reason.SHOP_BAD_ANSWER
        assert f"product {broken}" in reported.detail
