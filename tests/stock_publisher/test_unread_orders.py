"""What the shop sold a moment ago is not offered again by a figure that does not know of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contracts.catalog import AvailabilityChanged, ProductUnlinked
from contracts.reasons import Reason
from services.engine.outbox.outcome import Done, Retry
from services.sandbox.faults import InjectedFault
from services.sandbox.woocommerce.orders import Orders
from services.stock_publisher import order_list
from services.stock_publisher.decide import stock_lane_name
from tests.stock_publisher.order_list_bench import Store
from tests.stock_publisher.stock_bench import row, stock
from tests.support.memory_state import NOON

pytestmark = [pytest.mark.claim("I1"), pytest.mark.claim("K1")]


async def test_a_figure_does_not_go_over_an_order_that_nobody_has_read(store: Store) -> None:
    # given three pieces that were sold a moment ago, and news of both items from Balance
    store.clock.forward(minutes=10)
    order = store.buys(store.tea, 3)
    await store.takes(store.read("tea", "11"), stock(row("21"), item="coffee", at=store.clock.at))
    # when the figures leave
    assert [type(one) for one in await store.delivers()] == [Done, Done]
    # then the three are not offered again, and nobody waits
    assert store.held() == (8, 21)
    # and when the order is read, nothing is written for it a second time
    await store.takes(order)
    assert await store.delivers() == []
    assert store.held() == (8, 21)


async def test_the_explanation_names_the_order_that_nobody_has_read(store: Store) -> None:
    store.clock.forward(minutes=10)
    order = store.buys(store.tea, 3)
    await store.takes(store.read("tea", "11"))
    await store.delivers()
    [published] = [one for one in await store.ledger.news_of(AvailabilityChanged) if one.shop_moves]
    assert [(line.label, line.quantity) for line in published.explanation] == [("on hand", 11), ("in flight", -3)]
    assert published.explanation[1].orders == (str(order.order_id),)


async def test_an_order_that_is_read_while_its_figure_is_on_the_way_counts(store: Store) -> None:
    """The figure was claimed before; what leaves is the figure as it is after the look."""
    store.clock.forward(minutes=10)
    order = store.buys(store.tea, 3)
    await store.takes(store.read("tea", "11"))
    rows = await store.engine.claim(stock_lane_name("main"), 10, ())
    await store.takes(order)
    outcomes = await store.unread.guard(store.write)(rows)
    await store.engine.settle(list(zip(rows, outcomes, strict=True)))
    assert store.held() == (8, 20)
    assert await store.delivers() == []


async def test_a_figure_that_nobody_wants_any_more_does_not_leave(store: Store) -> None:
    store.clock.forward(minutes=10)
    await store.takes(store.read("tea", "11"))
    rows = await store.engine.claim(stock_lane_name("main"), 10, ())
    store.engine.rules = replace(store.engine.rules, in_flight=lambda: {row.id for row in rows})
    await store.takes(ProductUnlinked(shop="main", item="tea", product_id=store.tea, reason="", unlinked_at=NOON))
    outcomes = await store.unread.guard(store.write)(rows)
    await store.engine.settle(list(zip(rows, outcomes, strict=True)))
    assert store.held() == (10, 20)
    assert await store.delivers() == []


async def test_an_order_that_was_read_costs_no_further_write(store: Store) -> None:
    store.clock.forward(minutes=10)
    await store.takes(store.buys(store.tea, 3), store.read("tea", "11"))
    assert [type(one) for one in await store.delivers()] == [Done]
    assert (store.held(), await store.delivers()) == ((8, 20), [])


STATES: list[tuple[str, dict[str, Any], int]] = [
    ("processing", {}, 8),
    ("on-hold", {}, 8),
    ("pending", {}, 11),
    ("checkout-draft", {}, 11),
    ("processing", {"parent_id": 17}, 11),
]


@pytest.mark.parametrize(("status", "more", "left"), STATES)
async def test_what_an_unread_order_holds(store: Store, status: str, more: dict[str, Any], left: int) -> None:
    store.clock.forward(minutes=10)
    order = store.buys(store.tea, 3, status=status)
    store.shop.orders[order.order_id] |= more
    await store.takes(store.read("tea", "11"))
    await store.delivers()
    assert store.held()[0] == left


async def test_an_order_that_is_cancelled_before_anybody_has_read_it_holds_nothing(store: Store) -> None:
    store.clock.forward(minutes=10)
    order = store.buys(store.tea, 3)
    await store.takes(store.read("tea", "11"))
    await store.delivers()
    store.clock.forward(seconds=5)
    Orders(store.shop).update(order.order_id, {"status": "cancelled"}, strict=False)
    await store.takes(store.read("tea", "12"))
    await store.delivers()
    assert store.held() == (12, 20)


async def test_an_older_state_from_the_topics_does_not_give_back_what_the_list_has_shown(store: Store) -> None:
    store.clock.forward(minutes=10)
    before = store.buys(store.tea, 3, status="pending")
    store.clock.forward(seconds=5)
    Orders(store.shop).update(before.order_id, {"status": "processing"}, strict=False)
    await store.takes(store.read("tea", "11"))
    await store.delivers()
    assert store.held() == (8, 20)
    # when store-feed publishes what it had read before
    await store.takes(before, store.read("tea", "12"))
    await store.delivers()
    assert store.held() == (9, 20)


async def test_an_order_that_is_deleted_before_anybody_has_read_it_is_let_go(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.clock.forward(minutes=10)
    order = store.buys(store.tea, 3)
    await store.takes(store.read("tea", "11"))
    await store.delivers()
    Orders(store.shop).delete(order.order_id, force=True)
    store.buys(store.coffee, 1)
    monkeypatch.setattr(order_list, "CONFIRM_INTERVAL", 0.0)
    for pieces in ("12", "13"):
        await store.takes(store.read("tea", pieces))
        await store.delivers()
    assert store.held() == (13, 19)


async def test_an_order_that_is_not_read_for_long_stays_subtracted_and_is_named(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store.clock.forward(minutes=10)
    order = store.buys(store.tea, 3)
    monkeypatch.setattr(order_list, "CONFIRM_INTERVAL", 0.0)
    for pieces in ("11", "12"):
        await store.takes(store.read("tea", pieces))
        await store.delivers()
    assert store.held() == (9, 20)
    [reported] = [record for record in caplog.records if getattr(record, "reason", "") == Reason.STOCK_ORDER_UNREAD]
    assert vars(reported)["orders"] == [order.key]


async def test_a_shop_that_does_not_say_what_it_sold_gets_no_figure(store: Store) -> None:
    store.clock.forward(minutes=10)
    await store.takes(store.read("tea", "11"))
    store.faults.add(InjectedFault(kind="status", status=503, match="GET .*/orders$", times=1))
    assert [type(one) for one in await store.delivers()] == [Retry]
    assert store.held() == (10, 20)
    assert [type(one) for one in await store.delivers()] == [Done]
    assert store.held() == (11, 20)


async def test_a_shop_that_refuses_to_say_what_it_sold_gets_no_figure(store: Store) -> None:
    store.clock.forward(minutes=10)
    await store.takes(store.read("tea", "11"))
    store.faults.add(InjectedFault(kind="status", status=400, match="GET .*/orders$", times=1))
    assert [type(one) for one in await store.delivers()] == [Retry]
    assert store.held() == (10, 20)


async def test_an_order_of_some_minutes_ago_that_nobody_has_read_is_found(store: Store) -> None:
    store.clock.forward(minutes=10)
    store.buys(store.tea, 3)
    store.clock.forward(minutes=3)
    store.buys(store.coffee, 1)
    await store.takes(store.read("tea", "11"))
    await store.delivers()
    assert store.held() == (8, 19)


async def test_orders_behind_which_store_feed_has_fallen_for_hours_are_found_after_a_start(store: Store) -> None:
    store.clock.forward(minutes=10)
    await store.takes(store.buys(store.coffee, 1))
    store.clock.forward(hours=1)
    store.buys(store.tea, 3)
    store.clock.forward(hours=5)
    store.buys(store.coffee, 1)
    await store.takes(store.read("tea", "11"))
    await store.delivers()
    assert store.held() == (8, 18)


ODD: list[tuple[str, dict[str, Any]]] = [
    ("its total is no number", {"total": "a lot"}),
    ("its custom fields are anything", {"meta_data": [[], None, 7]}),
    ("it has no number", {"number": None}),
    ("it has no currency", {"currency": None}),
    ("its refunds are anything", {"refunds": "none"}),
]


@pytest.mark.claim("K29", "K30")
@pytest.mark.parametrize(("_", "odd"), ODD, ids=[one[0] for one in ODD])
async def test_an_odd_order_holds_what_can_be_read_and_hides_no_other(
    store: Store, _: str, odd: dict[str, Any]
) -> None:
    store.clock.forward(minutes=10)
    first = store.buys(store.coffee, 2)
    store.buys(store.tea, 3)
    store.shop.orders[first.order_id] |= odd
    await store.takes(store.read("tea", "11"), store.read("coffee", "21"))
    await store.delivers()
    assert store.held() == (8, 19)


@pytest.mark.claim("K29", "K30")
async def test_a_line_that_cannot_be_read_hides_no_other_and_gives_nothing_back(store: Store) -> None:
    store.clock.forward(minutes=10)
    order = store.buys(store.tea, 3)
    await store.takes(order, store.read("tea", "11"))
    await store.delivers()
    store.clock.forward(seconds=20)
    document = store.shop.orders[order.order_id]
    document["line_items"][0]["quantity"] = "three"
    document["line_items"].append({**document["line_items"][0], "product_id": store.coffee, "quantity": 2})
    document["date_modified_gmt"] = store.clock.at.strftime("%Y-%m-%dT%H:%M:%S")
    await store.takes(store.read("tea", "12"), store.read("coffee", "21"))
    await store.delivers()
    assert store.held() == (9, 19)


@pytest.mark.claim("K29")
@pytest.mark.parametrize("days", [-3, 3])
async def test_a_clock_of_ours_that_is_days_off_hides_no_order(store: Store, days: int) -> None:
    store.ahead = timedelta(days=days)
    for pieces, left in (("11", 8), ("15", 9)):
        store.clock.forward(minutes=10)
        store.buys(store.tea, 3)
        await store.takes(store.read("tea", pieces))
        await store.delivers()
        assert store.held() == (left, 20)


async def test_an_order_dated_in_the_future_hides_no_other(store: Store) -> None:
    store.clock.forward(minutes=10)
    odd = store.buys(store.coffee, 1)
    store.shop.orders[odd.order_id]["date_modified_gmt"] = "2036-01-01T00:00:00"
    await store.takes(store.read("coffee", "21"))
    await store.delivers()
    store.clock.forward(minutes=1)
    store.buys(store.tea, 3)
    await store.takes(store.read("tea", "11"))
    await store.delivers()
    assert store.held() == (8, 20)
