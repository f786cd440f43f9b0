"""A date in the future, in a webhook or an answer of the shop, never makes later genuine answers look outdated."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.model import Event
from contracts.shop import OrderChanged
from services.engine.state.records import MemoryState
from services.stock_publisher.order_list import parse_listed_order
from services.stock_publisher.order_rules import apply_snapshot, without_future_date
from services.stock_publisher.records import ORDER
from tests.store_feed.posting import posts
from tests.store_feed.shop_bench import MAIN, Store, intake
from tests.support.engine_bench import Clock
from tests.support.exporting import settings

pytestmark = pytest.mark.claim("K28")
NOW = Clock()()


def statuses_of(events: list[Event]) -> list[str]:
    """The statuses published, in order."""
    return [event.status for event in events if isinstance(event, OrderChanged)]


async def test_an_order_dated_in_the_future_by_a_wrong_clock_can_still_change(store: Store) -> None:
    order = store.places()
    store.shop.orders[order] |= {"status": "on-hold", "date_modified_gmt": "2038-01-19T03:14:07"}
    await store.swept()
    store.changes(order, status="completed")

    assert statuses_of(await store.hinted(order)) == ["completed"]


@pytest.mark.parametrize("ahead", [timedelta(minutes=20), timedelta(days=2)], ids=["minutes", "days"])
@pytest.mark.parametrize("source", ["webhook", "list"])
async def test_a_date_in_the_future_never_makes_genuine_answers_outdated(
    store: Store, source: str, ahead: timedelta
) -> None:
    taken = intake(store.engine)
    order, genuine = store.places(status="pending"), dict[str, object]()
    genuine |= store.shop.orders[order]
    future = (store.clock() + ahead).isoformat()[:19]
    if source == "webhook":
        await store.swept()
        webhook = json.dumps({"id": order, "status": "processing", "date_modified_gmt": future}).encode()
        assert await posts(taken.receiver, [webhook]) == [200]
        await taken.hints(store.engine)
    else:
        store.shop.orders[order]["date_modified_gmt"] = future
        await store.swept()
    changed = (store.clock() + timedelta(seconds=9)).isoformat()[:19]
    store.shop.orders[order] = genuine | {"status": "completed", "date_modified_gmt": changed}  # type: ignore[assignment]
    store.passes(minutes=int(ahead.total_seconds() / 60) + 1)

    assert statuses_of(await store.hinted(order))[-1:] == ["completed"]


def test_the_stock_of_an_order_follows_genuine_lists_after_a_date_in_the_future() -> None:
    state, later = MemoryState(NOW), NOW + timedelta(days=3)
    line = {"id": 1, "product_id": 311, "quantity": 2, "sku": "A", "total": "10.00"}
    row = {"id": 5001, "status": "processing", "line_items": [line]}
    future = parse_listed_order(MAIN, row | {"date_modified_gmt": (NOW + timedelta(days=2)).isoformat()[:19]})
    genuine = parse_listed_order(
        MAIN, row | {"status": "cancelled", "date_modified_gmt": (NOW + timedelta(minutes=1)).isoformat()[:19]}
    )
    assert future is not None
    assert genuine is not None
    apply_snapshot(settings(), without_future_date(future, NOW), state)
    apply_snapshot(settings(), without_future_date(genuine, later), replace(state, now=later))
    order = state.get(ORDER, f"{MAIN}:5001")
    assert order is not None
    assert order.status == "cancelled"
