"""The importer against a WooCommerce that answers as the recorded one did."""

from __future__ import annotations

from decimal import Decimal

import pytest

from contracts.catalog import ProductLinked, ProductUnlinked
from services.sandbox.woocommerce.products import Products
from tests.catalog_importer.catalogue_bench import (
    COFFEE,
    DRY,
    SALE,
    TEA_CATEGORY,
    TOYS,
    item,
    links,
    plans,
    price,
    priced,
    settings,
    tbilisi,
    world,
)
from tests.support.memory_state import NOON

PRICED = priced("tea-100", price("14.75"))
BATCH = "/wp-json/wc/v3/products/batch"


@pytest.mark.claim("S0.6", "S0.32", "S0.10", "S0.31", "K12", "S3.2", "S4.15", "S3.58")
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


@pytest.mark.claim("S2.2", "K12")
async def test_a_second_run_asks_the_shop_for_nothing() -> None:
    async with world() as w:
        items = [item(f"tea-{n}") for n in range(60)]
        await w.take(*items, *[priced(one.item, price("5")) for one in items])
        assert (len(w.shop.products), len(w.writes())) == (60, 3)
        w.faults.journal.clear()
        for _ in range(3):
            assert await w.take(*items) == []
        assert w.requests() == []


@pytest.mark.claim("S0.31")
async def test_a_dry_run_plans_and_never_writes() -> None:
    async with world(settings(DRY)) as w:
        w.product(name="Coffee", sku="coffee-1", status="private")
        published = plans(
            await w.take(
                item("coffee-1", group=COFFEE),
                item(),
                PRICED,
                item("toy", group=TOYS),
                item("help", kind="service"),
            )
        )
        assert {plan.item: plan.action for plan in published} == {
            "coffee-1": "adopt",
            "tea-100": "create",
            "toy": "skip",
            "help": "skip",
        }
        [new] = [plan for plan in published if plan.item == "tea-100"]
        assert new.payload is not None
        assert (new.payload.regular_price, new.payload.category_ids) == (Decimal("14.75"), (TEA_CATEGORY,))
        assert {request.split()[0] for request in w.requests()} == {"GET"}
        w.faults.journal.clear()
        assert await w.take(item(), item("coffee-1", group=COFFEE)) == []
        assert w.requests() == []


@pytest.mark.claim("S0.31", "K22", "S3.3", "S2.5")
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


@pytest.mark.claim("S0.31", "K11", "S4.16")
async def test_a_variation_is_adopted_through_its_parent() -> None:
    async with world() as w:
        parent = w.product(name="Tea", type="variable", sku="TEA")
        there = w.variation(parent, sku="TEA-100", regular_price="9", attributes=[{"name": "size", "option": "100"}])
        [link] = links(await w.take(item(), PRICED))
        assert (link.product_id, link.parent_id) == (there, parent)
        assert w.held(there)["regular_price"] == "14.75"
        assert w.writes() == [f"/wp-json/wc/v3/products/{parent}/variations/batch"]
        assert w.held(there)["attributes"][0]["option"] == "100"


@pytest.mark.claim("S0.31")
async def test_a_product_that_carries_the_items_uid_wins_over_a_namesake() -> None:
    async with world() as w:
        ours = w.product(name="Ours", sku="TEA-100", meta_data=[{"key": "_balance_uid", "value": "TEA-100 "}])
        other = w.product(name="Other")
        w.shop.products[other]["sku"] = "TEA-100"
        [link] = links(await w.take(item(), PRICED))
        assert link.product_id == ours


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
        published = await w.take(priced("tea-100", price("16")))
        assert [type(event) for event in published] == [ProductUnlinked, ProductLinked]
        assert w.held(links(published)[0].product_id)["status"] == "draft"


@pytest.mark.claim("S3.5")
async def test_a_new_sku_follows_the_item_to_its_product() -> None:
    async with world() as w:
        [first] = links(await w.take(item(), PRICED))
        [then] = links(await w.take(item(sku="TEA-100-N")))
        assert (then.product_id, then.sku) == (first.product_id, "TEA-100-N")
        assert w.held(first.product_id)["sku"] == "TEA-100-N"
