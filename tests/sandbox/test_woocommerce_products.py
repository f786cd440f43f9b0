"""Product rules that single exchanges do not show: sale windows over time, stock, SKUs, meta_data, lists."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox import woocommerce_world as world
from tests.sandbox.sample_woocommerce import COFFEE, COFFEES, FULL_CATALOGUE, GOODS, SHIRT, SIZES
from tests.sandbox.woocommerce_bench import Woo

PRODUCTS = "/wp-json/wc/v3/products"


async def put(woo: Woo, body: dict[str, Any], product_id: int = 10) -> dict[str, Any]:
    """A product after a PUT."""
    answer = await woo.client.put(f"{PRODUCTS}/{product_id}", json=body)
    assert answer.status_code == 200, answer.text
    changed: dict[str, Any] = answer.json()
    return changed


async def read(woo: Woo, product_id: int = 10) -> dict[str, Any]:
    """The stored product."""
    found: dict[str, Any] = (await woo.client.get(f"{PRODUCTS}/{product_id}")).json()
    return found


async def batched(woo: Woo, **body: Any) -> Any:
    """A batch's answer."""
    answer = await woo.client.post(f"{PRODUCTS}/batch", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_window_that_opens_by_itself_flips_on_sale_but_not_the_price(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    window = {"date_on_sale_from_gmt": "2026-11-21T03:10:00", "date_on_sale_to_gmt": "2026-11-21T04:00:00"}
    await put(woo, {"regular_price": "10", "sale_price": "8", **window})
    woo.clock.forward(minutes=11)
    opened = await read(woo)
    assert (opened["on_sale"], opened["price"]) == (True, "10")
    assert (await put(woo, {}))["price"] == "8"
    woo.clock.forward(hours=1)
    closed = await read(woo)
    assert (closed["on_sale"], closed["price"], closed["sale_price"]) == (False, "8", "8")
    assert (await put(woo, {}))["price"] == "10"


@pytest.mark.parametrize(
    ("sent", "local", "gmt"),
    [
        ({"date_on_sale_to": "2026-12-31"}, "2026-12-31T00:00:00", "2026-12-30T20:00:00"),
        ({"date_on_sale_to": "2026-12-31T23:59:59"}, "2026-12-31T23:59:59", "2026-12-31T19:59:59"),
        ({"date_on_sale_to_gmt": "2026-12-31T20:00:00"}, "2027-01-01T00:00:00", "2026-12-31T20:00:00"),
        ({"date_on_sale_to": "tomorrow-ish"}, "1970-01-01T00:00:00", "1969-12-31T20:00:00"),
        ({"date_on_sale_to": ""}, None, None),
        ({"date_on_sale_to": None}, None, None),
    ],
)
async def test_sale_edges_are_local_unless_gmt(woo: Woo, sent: dict[str, Any], local: str, gmt: str) -> None:
    world.build(woo.shop, GOODS)
    await put(woo, {"date_on_sale_to": "2026-12-01"})
    changed = await put(woo, sent)
    assert (changed["date_on_sale_to"], changed["date_on_sale_to_gmt"]) == (local, gmt)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [("10,50", "1050"), ("1,234.50", "1234.50"), ("abc", ""), ("10.123456", "10.123456"), (" 7 ", "7"), ("-5", "-5")],
)
async def test_prices_are_coerced_in_silence(woo: Woo, sent: str, stored: str) -> None:
    world.build(woo.shop, GOODS)
    assert (await put(woo, {"regular_price": sent}))["regular_price"] == stored


@pytest.mark.parametrize(
    ("sent", "stored"), [(5.5, 5), ("5.5", 5), ("", 0), ("abc", 0), (-3, -3), (1_000_000_000_000, 1_000_000_000_000)]
)
async def test_a_batch_casts_quantities(woo: Woo, sent: Any, stored: int) -> None:
    world.build(woo.shop, GOODS)
    [changed] = (await batched(woo, update=[{"id": 10, "stock_quantity": sent}]))["update"]
    assert changed["stock_quantity"] == stored
    assert changed["stock_status"] == ("instock" if stored > 0 else "outofstock")


async def test_unmanaged_stock_ignores_the_quantity_and_keeps_the_status(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    changed = await put(woo, {"manage_stock": False, "stock_quantity": 5, "stock_status": "outofstock"})
    assert (changed["stock_quantity"], changed["stock_status"]) == (None, "outofstock")
    managed = await put(woo, {"manage_stock": True, "stock_quantity": 5, "stock_status": "outofstock"})
    assert managed["stock_status"] == "instock"


async def test_a_delta_adds_to_the_quantity(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    assert (await put(woo, {"inventory_delta": -3}))["stock_quantity"] == 9


async def test_a_trashed_sku_is_hidden_but_taken_until_it_is_deleted_for_good(woo: Woo) -> None:
    world.build(woo.shop, [world.product(20, {"name": "Gone", "sku": "DR-1"}), world.trashed(20)])
    hidden = await woo.client.get(f"{PRODUCTS}?sku=DR-1")
    in_trash = await woo.client.get(f"{PRODUCTS}?sku=dr-1&status=trash")
    refused = await woo.client.post(PRODUCTS, json={"sku": "DR-1"})
    assert (hidden.json(), [p["id"] for p in in_trash.json()], refused.status_code) == ([], [20], 400)
    assert "resource_id" not in refused.json()["data"]
    await woo.client.delete(f"{PRODUCTS}/20?force=true")
    assert (await woo.client.post(PRODUCTS, json={"sku": "DR-1"})).status_code == 201


async def test_a_refused_product_holds_no_sku(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    twin = {"sku": "NEW-1", "global_unique_id": "4860001234567"}
    refused = await woo.client.post(PRODUCTS, json=twin)
    assert refused.json()["code"] == "product_invalid_global_unique_id"
    assert woo.shop.skus.holder("NEW-1") is None


async def test_skus_are_trimmed_and_ignore_case_but_match_whole(woo: Woo) -> None:
    world.build(woo.shop, [world.product(20, {"name": "x", "sku": "  ყავა-Ab  "})])
    found = await woo.client.get(PRODUCTS, params={"sku": "ყავა-aB,ყავა"})
    assert [p["sku"] for p in found.json()] == ["ყავა-Ab"]


async def test_an_empty_sku_filter_returns_everything(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    assert len((await woo.client.get(f"{PRODUCTS}?sku=")).json()) == 2


async def test_names_are_stripped_and_escaped(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    assert (await put(woo, {"name": "<script>x()</script>Tea & <b>Co</b>"}))["name"] == "Tea &amp; Co"
    assert (await put(woo, {"name": ""}))["name"] == "Product"


async def test_every_save_counts_as_a_modification(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    before = await read(woo)
    woo.clock.forward(seconds=5)
    after = await put(woo, {})
    assert before["date_modified_gmt"] == "2026-11-21T03:00:00"
    assert (after["date_modified"], after["date_modified_gmt"]) == ("2026-11-21T07:00:05", "2026-11-21T03:00:05")


async def test_meta_with_a_wrong_id_is_replaced_and_scalars_become_strings(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    held = {row["key"]: row["id"] for row in (await read(woo))["meta_data"]}
    sent = [{"id": 999, "key": "balance_id", "value": 12.5}, {"key": "_balance_id", "value": True}]
    rows = {row["key"]: row for row in (await put(woo, {"meta_data": sent}))["meta_data"]}
    assert rows["balance_id"]["value"] == "12.5"
    assert rows["balance_id"]["id"] not in (999, held["balance_id"])
    assert (rows["_balance_id"]["value"], rows["_balance_id"]["id"]) == ("1", held["_balance_id"])


async def test_internal_meta_keys_go_through_to_the_fields(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    changed = await put(woo, {"meta_data": [{"key": "_sku", "value": "HACK"}, {"key": "_stock", "value": "3"}]})
    assert (changed["sku"], changed["stock_quantity"]) == ("HACK", 3)


async def test_lists_hide_links_under_fields_and_single_reads_do_not(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    listed = await woo.client.get(f"{PRODUCTS}?_fields=id")
    single = await woo.client.get(f"{PRODUCTS}/10?_fields=id")
    emptied = await woo.client.post(f"{PRODUCTS}/batch?_fields=update.id", json={"update": [{"id": 10}]})
    assert set(listed.json()[0]) == {"id"}
    assert set(single.json()) == {"id", "_links"}
    assert emptied.json() == {"update": []}


@pytest.mark.parametrize("query", ["page=0", "per_page=0", "per_page=101", "page=abc"])
async def test_pages_out_of_bounds_are_refused(woo: Woo, query: str) -> None:
    answer = await woo.client.get(f"{PRODUCTS}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "rest_invalid_param")


async def test_pages_cover_a_list_without_gap_or_overlap(woo: Woo) -> None:
    world.build(woo.shop, FULL_CATALOGUE)
    pages = [
        (await woo.client.get(f"{PRODUCTS}?per_page=50&page={n}&orderby=id&order=asc")).json() for n in (1, 2, 3, 4)
    ]
    assert [p["id"] for page in pages for p in page] == list(range(10, 129))


@pytest.mark.parametrize(
    ("after", "found"),
    [
        ("2026-11-21T06:59:59", 2),
        ("2026-11-21T07:00:00", 0),
        ("2026-11-21T02:59:59&dates_are_gmt=true", 2),
        ("2026-11-21T03:00:00Z", 0),
        ("2026-11-21T06:59:59%2B04:00", 2),
        ("2026-11-21T07:00:00%2B04:00", 0),
        ("2026-11-21T03:00:00", 2),
    ],
)
async def test_modified_after_is_store_local_unless_it_says_else(woo: Woo, after: str, found: int) -> None:
    world.build(woo.shop, GOODS)
    assert len((await woo.client.get(f"{PRODUCTS}?modified_after={after}")).json()) == found


async def test_a_url_too_long_is_refused_in_html(woo: Woo) -> None:
    answer = await woo.client.get(f"{PRODUCTS}?sku={'A,' * 5000}")
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (414, "text/html")


async def test_a_batch_of_more_than_a_hundred_over_all_deeds_does_nothing(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    body = {"create": [{"name": "n"}] * 60, "update": [{"id": 10, "name": "changed"}] * 41}
    assert (await woo.client.post(f"{PRODUCTS}/batch", json=body)).status_code == 413
    assert len(woo.shop.products) == 2


async def test_a_variation_is_written_through_its_parent_only(woo: Woo) -> None:
    world.build(woo.shop, [SHIRT, SIZES])
    [refused] = (await batched(woo, update=[{"id": 4944, "stock_quantity": 9}]))["update"]
    written = await woo.client.post(
        f"{PRODUCTS}/4943/variations/batch", json={"update": [{"id": 4944, "stock_quantity": 9, "regular_price": 20.5}]}
    )
    [changed] = written.json()["update"]
    assert refused["error"]["code"] == "woocommerce_rest_invalid_product_id"
    assert (changed["stock_quantity"], changed["price"]) == (9, "20.5")
    assert (await read(woo, 4944))["type"] == "variation"
    assert (await read(woo, 4943))["variations"] == [4944, 4945]


async def test_deleting_a_parent_for_good_takes_its_variations_along(woo: Woo) -> None:
    world.build(woo.shop, [SHIRT, SIZES])
    await woo.client.delete(f"{PRODUCTS}/4943?force=true")
    assert woo.shop.variations == {}
    assert woo.shop.skus.holder("TS-S-4943") is None


async def test_equal_names_get_numbered_slugs(woo: Woo) -> None:
    slugs = [(await woo.client.post(PRODUCTS, json={"name": "Red Tea!"})).json()["slug"] for _ in range(2)]
    assert slugs == ["red-tea", "red-tea-2"]


async def test_what_has_no_trash_wants_force(woo: Woo) -> None:
    world.build(woo.shop, [COFFEES, COFFEE, world.webhook(1, "order.created")])
    for path in ("products/categories/16", "webhooks/1", "taxes/1"):
        answer = await woo.client.delete(f"/wp-json/wc/v3/{path}")
        assert (answer.status_code, answer.json()["code"]) == (501, "woocommerce_rest_trash_not_supported")
