"""Recorded orders and refunds are placed with exactly the figures that WooCommerce computed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.sandbox import recorded
from services.sandbox.woocommerce import placing
from services.sandbox.woocommerce.orders import Orders
from services.sandbox.woocommerce.placing import load_catalogue
from services.sandbox.woocommerce.refunds import OrderRefunds
from tests.sandbox import woocommerce_world as world
from tests.sandbox.woocommerce_bench import Woo

FIGURES = [
    "total",
    "total_tax",
    "cart_tax",
    "shipping_total",
    "shipping_tax",
    "discount_total",
    "discount_tax",
    "currency",
    "prices_include_tax",
    "shipping_lines",
    "fee_lines",
    "tax_lines",
    "coupon_lines",
    "billing",
    "shipping",
    "customer_id",
    "payment_method",
    "created_via",
    "meta_data",
    "order_key",
    "number",
]
PAID_TBC = 121


def sold(line: dict[str, Any]) -> dict[str, Any]:
    """A line without the notes that the shop makes on it about its stock."""
    rows = [row for row in line["meta_data"] if row["key"] not in placing.STOCK_NOTES]
    return {**line, "meta_data": rows}


@pytest.mark.parametrize("stock", [None, 1000])
async def test_every_recorded_order_is_placed_with_its_own_figures(woo: Woo, stock: int | None) -> None:
    load_catalogue(woo.shop, stock=stock)
    for order_id in recorded.list_order_ids():
        placing.place_order(woo.shop, order_id)
        placed, record = Orders(woo.shop).read(order_id), recorded.get_recording(order_id).order
        assert {name: placed[name] for name in FIGURES} == {name: record[name] for name in FIGURES}
        assert list(map(sold, placed["line_items"])) == list(map(sold, record["line_items"]))
        assert (placed["date_paid"] is None) == (record["date_paid"] is None)
        assert placed["refunds"] == []
    assert len(woo.shop.orders) == 274


async def test_every_recorded_refund_is_given_with_its_own_figures(woo: Woo) -> None:
    load_catalogue(woo.shop)
    for order_id in recorded.list_order_ids():
        record = recorded.get_recording(order_id)
        placing.place_order(woo.shop, order_id)
        for refund_id, refund in record.all_refunds().items():
            placing.issue_refund(woo.shop, order_id, refund_id)
            given = OrderRefunds(woo.shop, order_id).read(refund_id)
            same = refund.keys() - {"date_created", "date_created_gmt", "_links"}
            assert {name: given[name] for name in same} == {name: refund[name] for name in same}
    assert len(woo.shop.refunds) == 133


async def test_an_order_becomes_refunded_when_the_recording_did(woo: Woo) -> None:
    for order_id in recorded.list_order_ids():
        record = recorded.get_recording(order_id)
        if record.before_delete or not record.refunds:
            continue
        placing.place_order(woo.shop, order_id)
        for refund in record.refunds:
            placing.issue_refund(woo.shop, order_id, refund["id"])
        assert (woo.shop.orders[order_id]["status"] == "refunded") == (record.order["status"] == "refunded")


async def test_a_paid_order_is_placed_as_processing_though_it_was_recorded_as_refunded(woo: Woo) -> None:
    answer = await woo.client.post("/_sandbox/orders", json={"recorded": PAID_TBC})
    assert recorded.get_recording(PAID_TBC).order["status"] == "refunded"
    assert answer.json()["status"] == "processing"


async def test_dates_are_now_in_both_zones_unless_kept(woo: Woo) -> None:
    now = placing.place_order(woo.shop, PAID_TBC)
    assert (now["date_created"], now["date_created_gmt"]) == ("2026-11-21T07:00:00", "2026-11-21T03:00:00")
    assert (now["date_paid"], now["date_paid_gmt"]) == ("2026-11-21T07:00:00", "2026-11-21T03:00:00")
    del woo.shop.orders[PAID_TBC]
    kept = placing.place_order(woo.shop, PAID_TBC, keep_dates=True)
    assert (kept["date_created"], kept["date_created_gmt"]) == ("2026-01-01T00:00:00", "2025-12-31T20:00:00")
    assert kept["date_modified_gmt"] == "2026-11-21T03:00:00", "a poll by modification must find it"


async def test_placing_takes_the_goods_from_managed_stock(woo: Woo) -> None:
    load_catalogue(woo.shop, stock=100)
    placing.place_order(woo.shop, PAID_TBC)
    book = woo.shop.skus.holder("КОФЕ-03")
    assert book is not None
    assert book["stock_quantity"] == 95


async def test_a_line_names_the_shops_own_product_of_its_sku(woo: Woo) -> None:
    world.build(woo.shop, [world.product(9000, {"name": "imported", "sku": "КОФЕ-03"})])
    order = placing.place_order(woo.shop, PAID_TBC)
    assert {line["sku"]: line["product_id"] for line in order["line_items"]}["КОФЕ-03"] == 9000


def storefront(via: str) -> int:
    """A recorded order of a checkout."""
    return next(n for n in recorded.list_order_ids() if recorded.get_recording(n).order["created_via"] == via)


@pytest.mark.parametrize(
    ("via", "topics"),
    [
        ("store-api", ["order.updated", "order.created"]),
        ("checkout", ["order.created", "order.updated"]),
        ("rest-api", ["order.created", "order.updated"]),
    ],
)
async def test_the_block_checkout_announces_the_update_first(woo: Woo, via: str, topics: list[str]) -> None:
    world.build(woo.shop, [world.webhook(1, "order.created"), world.webhook(2, "order.updated")])
    placing.place_order(woo.shop, storefront(via))
    await woo.deliveries.drain_all()
    assert woo.receiver.topics() == topics


async def test_a_refund_is_announced_as_an_update_and_its_deletion_is_not(woo: Woo) -> None:
    await woo.client.post("/_sandbox/orders", json={"recorded": 440})
    world.build(woo.shop, [world.webhook(2, "order.updated")])
    refund_id = next(iter(recorded.get_recording(440).all_refunds()))
    given = await woo.client.post("/_sandbox/orders/440/refunds", json={"recorded": refund_id})
    await woo.deliveries.drain_all()
    assert [refund["id"] for refund in given.json()["refunds"]] == [refund_id]
    assert woo.receiver.topics() == ["order.updated"]
    gone = await woo.client.delete(f"/_sandbox/orders/440/refunds/{refund_id}")
    assert gone.json()["refunds"] == []
    assert gone.json()["date_modified"] == given.json()["date_modified"]
    assert not woo.deliveries.pending


async def test_a_buyer_still_in_the_checkout_is_announced_as_an_update_and_then_places(woo: Woo) -> None:
    world.build(woo.shop, [world.webhook(1, "order.created"), world.webhook(2, "order.updated")])
    order_id = storefront("store-api")
    placing.place_order(woo.shop, order_id, status="checkout-draft")
    await woo.deliveries.drain_all()
    placing.place_order(woo.shop, order_id)
    await woo.deliveries.drain_all()
    assert woo.receiver.topics() == ["order.updated", "order.updated", "order.created"]
    first = json.loads(woo.receiver.signed()[0][1])
    assert first["status"] == "checkout-draft"


async def test_what_cannot_be_placed_says_why(woo: Woo) -> None:
    await woo.client.post("/_sandbox/orders", json={"recorded": PAID_TBC})
    twice = await woo.client.post("/_sandbox/orders", json={"recorded": PAID_TBC})
    unknown = await woo.client.post("/_sandbox/orders", json={"recorded": 1})
    nonsense = await woo.client.post("/_sandbox/orders", json={"order": 1})
    assert (twice.status_code, unknown.status_code, nonsense.status_code) == (409, 409, 400)
    assert "in the shop already" in twice.json()["error"]


async def test_the_catalogue_loads_some_skus_with_their_parents(woo: Woo) -> None:
    loaded = await woo.client.post("/_sandbox/catalogue", json={"skus": ["000022", "VAR-00-S"], "stock": 7})
    state = (await woo.client.get("/_sandbox/state")).json()
    assert loaded.json() == {"loaded": 3}
    assert state["products"]["VAR-00-S"]["stock_quantity"] == 7
    assert state["counts"]["variations"] == 1


async def test_the_recordings_can_be_chosen_from(woo: Woo) -> None:
    listed = (await woo.client.get("/_sandbox/recorded")).json()
    first = listed[0]
    assert len(listed) == 274
    assert (first["id"], first["config"], first["currency"], first["status"]) == (121, "incl_line", "GEL", "refunded")
    assert (first["paid"], first["refunds"]) == (True, [253])
