"""The importer against a WooCommerce that answers as the recorded one did."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest

from contracts.catalog import ProductLinked, ProductUnlinked
from contracts.reasons import Reason
from services.catalog_importer.deliveries import Deliveries
from services.sandbox.faults import Fault
from services.sandbox.woocommerce.products import Products
from services.shared.delivery.outcome import Done, Outcome, Refused, Retry, Unknown
from services.shared.woocommerce.product import Product
from tests.catalog_importer.catalogue_bench import (
    COFFEE,
    DRY,
    LIVE,
    SALE,
    TEA,
    TEA_CATEGORY,
    TOYS,
    World,
    item,
    links,
    plans,
    price,
    priced,
    rows,
    settings,
    tbilisi,
    world,
)
from tests.support.memory_state import NOON

PRICED = priced("tea-100", price("14.75"))
BATCH = "/wp-json/wc/v3/products/batch"


def refusal(outcomes: list[Outcome]) -> Refused:
    [outcome] = outcomes
    assert isinstance(outcome, Refused)
    return outcome


@pytest.mark.claim("S0.6", "S0.32", "S0.10", "S0.31", "K12")
async def test_a_new_item_becomes_a_draft_with_everything_in_one_write() -> None:
    start, end = tbilisi(2026, 11, 27), tbilisi(2026, 12, 1)
    offer = priced("tea-100", price("14.75"), price("12.90", SALE, valid_from=start, valid_to=end))
    async with world() as w:
        [link] = links(await w.take(item(), offer))
        held = w.held(link.product_id)
        assert (held["status"], held["manage_stock"]) == ("draft", True)
        assert (held["sku"], held["regular_price"], held["sale_price"]) == ("TEA-100", "14.75", "12.90")
        assert held["date_on_sale_from_gmt"] == "2026-11-26T20:00:00"
        assert held["date_on_sale_to_gmt"] == "2026-11-30T20:00:00"
        assert [category["id"] for category in held["categories"]] == [TEA_CATEGORY]
        assert w.meta(link.product_id) == {"_balance_uid": "tea-100"}
        assert held["images"] == []
        assert (link.how, link.sku, w.writes()) == ("created", "TEA-100", [BATCH])


@pytest.mark.claim("S2.2", "K12", "K15")
async def test_a_second_run_asks_the_shop_for_nothing() -> None:
    async with world() as w:
        items = [item(f"tea-{n}") for n in range(60)]
        await w.take(*items, *[priced(one.item, price("5")) for one in items])
        assert (len(w.shop.products), len(w.writes())) == (60, 1)
        w.faults.journal.clear()
        for _ in range(3):
            assert await w.take(*items) == []
        assert w.requests() == []


@pytest.mark.claim("S0.34", "S1.10", "S0.31")
async def test_a_dry_run_looks_and_says_but_never_writes() -> None:
    async with world(settings(DRY)) as w:
        w.product(name="Coffee", sku="coffee-1", status="private")
        said = plans(
            await w.take(
                item("coffee-1", group=COFFEE),
                item(),
                PRICED,
                item("toy", group=TOYS),
                item("help", kind="service"),
            )
        )
        assert {plan.item: plan.action for plan in said} == {
            "coffee-1": "adopt",
            "tea-100": "create",
            "toy": "skip",
            "help": "skip",
        }
        [new] = [plan for plan in said if plan.item == "tea-100"]
        assert new.payload is not None
        assert (new.payload.regular_price, new.payload.category_ids) == (Decimal("14.75"), (TEA_CATEGORY,))
        assert {request.split()[0] for request in w.requests()} == {"GET"}
        w.faults.journal.clear()
        assert await w.take(item(), item("coffee-1", group=COFFEE)) == []
        assert w.requests() == []


@pytest.mark.claim("S0.31", "K22")
@pytest.mark.parametrize("status", ["publish", "draft", "private", "pending"])
async def test_a_product_with_the_sku_is_adopted_in_any_status_and_keeps_it(status: str) -> None:
    async with world() as w:
        there = w.product(name="By hand", sku="tea-100", status=status, regular_price="99", weight="0.5")
        [link] = links(await w.take(item(), PRICED))
        held = w.held(there)
        assert (link.product_id, link.how) == (there, "adopted")
        assert (held["status"], held["name"], held["sku"]) == (status, "By hand", "tea-100")
        assert (held["regular_price"], held["weight"]) == ("14.75", "0.5")
        assert w.meta(there)["_balance_uid"] == "tea-100"
        assert len(w.shop.products) == 1


@pytest.mark.claim("S0.31", "K11")
async def test_a_variation_is_adopted_through_its_parent() -> None:
    async with world() as w:
        parent = w.product(name="Tea", type="variable", sku="TEA")
        there = w.variation(parent, sku="TEA-100", regular_price="9", attributes=[{"name": "size", "option": "100"}])
        [link] = links(await w.take(item(), PRICED))
        assert (link.product_id, link.parent_id) == (there, parent)
        assert w.held(there)["regular_price"] == "14.75"
        assert w.writes() == [f"/wp-json/wc/v3/products/{parent}/variations/batch"]
        assert w.held(there)["attributes"][0]["option"] == "100"


@pytest.mark.claim("S0.31", "I15")
async def test_a_product_that_carries_the_items_uid_wins_over_a_namesake() -> None:
    async with world() as w:
        ours = w.product(name="Ours", sku="TEA-100", meta_data=[{"key": "_balance_uid", "value": "TEA-100 "}])
        other = w.product(name="Other")
        w.shop.products[other]["sku"] = "TEA-100"
        [link] = links(await w.take(item(), PRICED))
        assert link.product_id == ours


@pytest.mark.claim("K22")
@pytest.mark.parametrize(
    ("prepare", "reason", "words"),
    [
        ("trashed", Reason.PRODUCT_IN_TRASH, "product 10 with SKU TEA-100 lies in the shop's trash"),
        ("taken", Reason.PRODUCT_OF_OTHER_ITEM, "belongs to item green-tea"),
        ("variable", Reason.PRODUCT_SKU_AMBIGUOUS, "product 10 with SKU TEA-100 is variable"),
    ],
)
@pytest.mark.parametrize("flows", [LIVE, DRY])
async def test_a_match_that_is_not_clear_is_left_to_a_person(
    prepare: str, reason: Reason, words: str, flows: dict[str, str]
) -> None:
    more: dict[str, Any] = {
        "taken": {"meta_data": [{"key": "_balance_uid", "value": "green-tea"}]},
        "variable": {"type": "variable"},
        "trashed": {"status": "trash"},
    }.get(prepare, {})
    async with world(settings(flows)) as w:
        w.product(name="There", sku="TEA-100", **more)
        before = str(w.shop.products)
        said = plans(await w.take(item(), PRICED))
        told = [(plan.reason, plan.detail) for plan in said] if flows == DRY else _told(w)
        assert [code for code, _ in told] == [reason]
        assert words in told[0][1]
        assert (w.writes(), str(w.shop.products)) == ([], before)


def _told(w: World) -> list[tuple[Reason, str]]:
    return [(refusal(w.outcomes).reason, refusal(w.outcomes).detail)]


@pytest.mark.claim("S1.13", "S0.16")
async def test_an_update_leaves_to_the_storefront_what_is_the_storefronts() -> None:
    async with world() as w:
        [link] = links(await w.take(item(), PRICED))
        change = {"status": "publish", "name": "The best tea", "description": "Fresh", "weight": "7"}
        Products(w.shop).update(link.product_id, change, strict=False)
        await w.take(item(name="Tea of 2026", weight=Decimal(3)), priced("tea-100", price("16")))
        held = w.held(link.product_id)
        assert held["regular_price"] == "16.00"
        assert (held["status"], held["name"], held["description"], held["weight"]) == (*change.values(),)


@pytest.mark.claim("S0.10")
async def test_the_charged_price_moves_at_both_edges_of_the_window() -> None:
    start, end = tbilisi(2026, 3, 6), tbilisi(2026, 3, 9)
    offer = priced("tea-100", price("14.75"), price("12", SALE, valid_from=start, valid_to=end))
    async with world() as w:
        [link] = links(await w.take(item(), offer))
        assert w.held(link.product_id)["price"] == "14.75"
        await w.at(start)
        assert w.held(link.product_id)["price"] == "12.00"
        await w.at(end)
        assert w.held(link.product_id)["price"] == "14.75"
        assert w.held(link.product_id)["sale_price"] == ""
        assert len(w.writes()) == 3


async def test_with_only_prices_live_a_linked_product_gets_its_price_and_nothing_else() -> None:
    async with world(settings({"catalogue": "off", "prices": "live"})) as w:
        there = w.product(name="By hand", sku="OLD-SKU", regular_price="9", weight="2")
        mapped = ProductLinked(
            shop="main", item="tea-100", product_id=there, sku="OLD-SKU", how="mapped", linked_at=NOON
        )
        [link] = links(await w.take(mapped, item(), PRICED))
        held = w.held(there)
        assert (held["regular_price"], held["name"], held["sku"], held["weight"]) == (
            "14.75",
            "By hand",
            "OLD-SKU",
            "2",
        )
        assert (w.meta(there), link.how, link.sku) == ({}, "mapped", "OLD-SKU")


async def test_a_deleted_product_frees_its_item_which_becomes_a_draft_again() -> None:
    async with world() as w:
        [first] = links(await w.take(item(), PRICED))
        Products(w.shop).delete(first.product_id, force=True)
        said = await w.take(priced("tea-100", price("16")))
        assert [type(event) for event in said] == [ProductUnlinked, ProductLinked]
        assert w.held(links(said)[0].product_id)["status"] == "draft"


async def test_a_product_in_the_trash_is_neither_written_nor_doubled() -> None:
    async with world() as w:
        [link] = links(await w.take(item(), PRICED))
        Products(w.shop).delete(link.product_id, force=False)
        await w.take(priced("tea-100", price("16")))
        assert refusal(w.outcomes).reason == Reason.PRODUCT_IN_TRASH
        assert w.held(link.product_id)["regular_price"] == "14.75"


@pytest.mark.claim("S3.5")
async def test_a_new_sku_follows_the_item_to_its_product() -> None:
    async with world() as w:
        [first] = links(await w.take(item(), PRICED))
        [then] = links(await w.take(item(sku="TEA-100-N")))
        assert (then.product_id, then.sku) == (first.product_id, "TEA-100-N")
        assert w.held(first.product_id)["sku"] == "TEA-100-N"


@pytest.mark.claim("S3.5")
async def test_a_new_sku_that_another_product_has_is_refused() -> None:
    async with world() as w:
        await w.take(item(), PRICED)
        w.product(name="Coffee", sku="COF-1")
        await w.take(item(sku="COF-1"))
        assert refusal(w.outcomes).reason == Reason.PRODUCT_SKU_AMBIGUOUS


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"catalogue": {"groups": {TEA: 999}}}, "category_ids: meant '(999,)'"),
        ({}, "name: meant 'Tea <script>x</script>'"),
    ],
)
async def test_what_the_shop_stored_otherwise_is_told(more: dict[str, Any], words: str) -> None:
    async with world(settings(**more)) as w:
        await w.take(item(name="Tea <script>x</script>" if not more else "Tea"), PRICED)
        told = refusal(w.outcomes)
        assert told.reason == Reason.SHOP_ECHO_DIFFERS
        assert words in told.detail
        assert "SKU TEA-100" in told.detail


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
        w.faults.add(Fault(kind="commit_then_reset", match="POST .*/batch", times=1))
        [first] = await w.deliver(due)
        assert isinstance(first, Unknown)
        [second] = await w.deliver(due)
        assert isinstance(second, Done)
        assert [link.how for link in links(second.events)] == ["adopted"]
        assert len(w.shop.products) == 1


@pytest.mark.claim("K22")
async def test_a_product_made_between_look_up_and_create_is_adopted() -> None:
    async with world() as w:
        w.deliver = Deliveries(settings().shops["main"], Racing(w), lambda: NOON)
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


@pytest.mark.claim("S1.17", "K16")
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault(kind="status", match="GET", status=503, headers={"Retry-After": "7"}), Retry),
        (Fault(kind="status", match="POST", status=429, headers={"Retry-After": "7"}), Retry),
        (Fault(kind="status", match="GET", status=401), Retry),
        (Fault(kind="status", match="POST", status=500), Unknown),
    ],
)
async def test_a_shop_in_trouble_costs_a_delay_and_nothing_else(fault: Fault, outcome: type[Outcome]) -> None:
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
        w.shop.products[broken]["regular_price"] = "a lot"
        items = [item(f"tea-{n}") for n in range(20)]
        made = links(await w.take(*items, *[priced(one.item, price("5")) for one in items]))
        assert len(made) == 19
        [told] = [outcome for outcome in w.outcomes if isinstance(outcome, Refused)]
        assert told.reason == Reason.SHOP_BAD_ANSWER
        assert f"product {broken}" in told.detail
