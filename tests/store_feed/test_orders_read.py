"""The events of store-feed about orders and refunds after a hint to read an order."""

from __future__ import annotations

import pytest

from contracts.shop import OrderChanged, OrderRemoved, RefundIssued, RefundRemoved, RefundUnreadable
from services.sandbox.woocommerce import placing
from services.sandbox.woocommerce.orders import Orders
from services.sandbox.woocommerce.refunds import OrderRefunds
from tests.store_feed.shop_bench import MAIN, Store

RECORDED = 127
"""A recorded order that has a recorded refund."""


async def test_an_order_is_stated_whole(store: Store) -> None:
    placing.place_order(store.shop, RECORDED)

    (event,) = await store.hinted(RECORDED)

    assert isinstance(event, OrderChanged)
    shown = Orders(store.shop).read(RECORDED)
    assert (event.shop, event.order_id, event.status) == (MAIN, RECORDED, shown["status"])
    assert str(event.total) == shown["total"]
    assert "total" in event.changed


async def test_an_order_that_did_not_change_is_not_stated_again(store: Store) -> None:
    order = store.places()
    await store.hinted(order)

    assert await store.hinted(order) == []


@pytest.mark.claim("K5")
async def test_a_save_that_changed_nothing_is_noise(store: Store) -> None:
    order = store.places()
    (first,) = await store.hinted(order)
    store.changes(order)

    again = await store.hinted(order)

    shown = Orders(store.shop).read(order)
    assert isinstance(first, OrderChanged)
    assert shown["date_modified_gmt"] != first.modified_at.replace(tzinfo=None).isoformat()
    assert again == []


async def test_a_change_is_stated_with_the_fields_that_changed(store: Store) -> None:
    order = store.places()
    await store.hinted(order)
    store.changes(order, status="completed")

    (event,) = await store.hinted(order)

    assert isinstance(event, OrderChanged)
    assert (event.status, event.changed) == ("completed", ("completed_at", "paid_at", "status"))


@pytest.mark.claim("S4.27")
async def test_every_status_is_tracked_also_one_that_nobody_knows(store: Store) -> None:
    order = store.places(status="pending")
    reported = []
    for status in ("pending", "on-hold", "awaiting-shipment", "processing", "completed", "cancelled"):
        store.shop.orders[order]["status"] = status
        reported += await store.hinted(order)

    assert [event.status for event in reported if isinstance(event, OrderChanged)] == [
        "pending",
        "on-hold",
        "awaiting-shipment",
        "processing",
        "completed",
        "cancelled",
    ]


@pytest.mark.claim("K5")
async def test_a_buyer_in_the_checkout_has_placed_no_order_yet(store: Store) -> None:
    placing.place_order(store.shop, RECORDED, status="checkout-draft")

    in_checkout = await store.hinted(RECORDED)
    placing.place_order(store.shop, RECORDED)
    placed = await store.hinted(RECORDED)

    assert in_checkout == []
    assert [type(event) for event in placed] == [OrderChanged]


async def test_an_order_in_the_trash_is_removed_once_and_comes_back(store: Store) -> None:
    order = store.places()
    await store.hinted(order)
    Orders(store.shop).delete(order, force=False)

    (removed,) = await store.hinted(order)
    again = await store.hinted(order)
    store.changes(order, status="processing")
    (back,) = await store.hinted(order)

    assert isinstance(removed, OrderRemoved)
    assert (removed.order_id, again) == (order, [])
    assert isinstance(back, OrderChanged)
    assert back.status == "processing"


async def test_an_order_that_nobody_ever_saw_is_not_removed(store: Store) -> None:
    assert await store.hinted(4711) == []


async def test_a_refund_is_stated_beside_its_order(store: Store) -> None:
    order = store.places()
    await store.hinted(order)
    refund = store.refunds(order, "5.00")

    changed, issued = await store.hinted(order)

    assert isinstance(changed, OrderChanged)
    assert (changed.refund_ids, changed.changed) == ((refund,), ("refund_ids",))
    assert isinstance(issued, RefundIssued)
    assert (issued.refund_id, str(issued.amount)) == (refund, "5.00")
    assert await store.hinted(order) == []


async def test_a_deleted_refund_of_which_nobody_reports_is_found_by_the_check(store: Store) -> None:
    """No webhook and no changed date reports it (WooCommerce fact 57)."""
    order = store.places()
    refund = store.refunds(order, "5.00")
    await store.hinted(order)
    store.passes(hours=1)
    store.places()
    await store.swept()
    OrderRefunds(store.shop, order).delete(refund, force=True)

    by_the_sweep = await store.swept()
    checked = await store.refund_check.once()
    missing = await store.looks()
    store.passes(minutes=10)
    confirmed = await store.looks()

    assert by_the_sweep == []
    assert checked == 1
    assert [type(event) for event in missing] == [RefundUnreadable]
    assert [type(event) for event in confirmed] == [OrderChanged, RefundRemoved]


async def test_old_refunds_are_not_checked_any_more(store: Store) -> None:
    order = store.places()
    store.refunds(order, "5.00")
    await store.hinted(order)
    store.passes(days=store.schedule.refund_check_days + 1)

    assert await store.refund_check.once() == 0
