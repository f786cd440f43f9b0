"""Hints are served in spite of everything: unavailable shops, unreadable orders, clocks, and hints during a look."""

from __future__ import annotations

import pytest

from contracts.operations import PushRequested
from contracts.shop import OrderChanged
from services.engine.outbox.outcome import Done
from services.store_feed.handlers import order_lane_name
from services.store_feed.records import HintSource, request_refreshes
from tests.store_feed.shop_bench import MAIN, Store


async def test_one_order_that_cannot_be_read_stops_no_other(store: Store) -> None:
    orders = [store.places() for _ in range(5)]
    store.shop.orders[orders[0]]["currency"] = "lari"

    stated = await store.hinted(*orders)

    assert {event.order_id for event in stated if isinstance(event, OrderChanged)} == set(orders[1:])


@pytest.mark.parametrize(
    "trouble",
    [
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 429, "headers": {"Retry-After": "2"}},
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 401},
        {"kind": "status", "status": 200, "body": "<html>firewall</html>"},
        {"kind": "reset"},
        {"kind": "truncate", "keep": 100},
    ],
    ids=lambda trouble: f"{trouble['kind']} {trouble.get('status', '')}",
)
async def test_an_unavailable_shop_costs_nothing_but_time(store: Store, trouble: dict[str, object]) -> None:
    order = store.places()
    fault = store.trouble(match=f"GET .*/orders/{order}$", **trouble)  # type: ignore[arg-type]
    async with store.engine.work() as work:
        await request_refreshes(work, {f"{MAIN}:{order}": HintSource()})

    meanwhile = await store.looks_once()
    store.faults.clear(fault)
    store.passes(minutes=10)
    afterwards = await store.looks()

    assert meanwhile == []
    assert [type(event) for event in afterwards] == [OrderChanged]


async def test_a_person_who_pushes_an_order_has_it_read_again(store: Store) -> None:
    """Also where the clock of that person's machine is behind."""
    order = store.places()
    await store.hinted(order)
    before = store.reads(order)
    store.changes(order, status="completed")
    reported = {"command_id": "c-1", "asked_by": "nino", "asked_at": store.clock().replace(year=2025)}
    push = PushRequested.model_validate({**reported, "document": "order", "shop": MAIN, "order_id": order})

    stated = await store.asks(push)

    assert store.reads(order) == before + 1
    assert [event.status for event in stated if isinstance(event, OrderChanged)] == ["completed"]


async def test_a_pushed_order_of_a_shop_that_the_settings_do_not_name_is_left_alone(store: Store) -> None:
    reported = {"command_id": "c-1", "asked_by": "nino", "asked_at": store.clock()}
    push = PushRequested.model_validate({**reported, "document": "order", "shop": "elsewhere", "order_id": 1})

    assert await store.asks(push) == []
    assert await store.engine.claim(order_lane_name("elsewhere"), 1, ()) == []


async def test_a_hint_after_the_clock_was_set_back_is_served(store: Store) -> None:
    order = store.places()
    await store.hinted(order)
    store.clock.forward(seconds=-30)
    store.changes(order, status="completed")

    assert [type(event) for event in await store.hinted(order)] == [OrderChanged]


async def test_a_hint_that_comes_during_a_look_is_served_by_another(store: Store) -> None:
    order = store.places()
    key = f"{MAIN}:{order}"
    async with store.engine.work() as work:
        await request_refreshes(work, {key: HintSource()})
    rows = await store.engine.claim(order_lane_name(MAIN), 1, ())
    store.passes(seconds=1)
    async with store.engine.work() as work:
        await request_refreshes(work, {key: HintSource()})

    await store.engine.settle([(rows[0], Done())])

    assert [type(event) for event in await store.looks()] == [OrderChanged]
