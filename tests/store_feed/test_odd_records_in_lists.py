"""One odd record in a list stops neither the sweep nor a check: it is reported, and all others arrive."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from contracts.model import Event
from contracts.operations import DeadLettered, DeadLetterSettled, ReplayRequested
from contracts.shop import OrderChanged, OrderUnreadable
from services.connectors.woocommerce.changes import Cursor
from services.connectors.woocommerce.pages import OnSkipped, SkippedRecord, log_skipped
from services.store_feed.sweep import OrderSweep
from tests.store_feed.shop_bench import MAIN, Store, list_rows, order_ids, sweep_position

pytestmark = pytest.mark.claim("K29")
LIST = "GET .*/orders$"


def dead_letters(events: list[Event]) -> list[DeadLettered]:
    """The dead letters that were opened."""
    return [event for event in events if isinstance(event, DeadLettered)]


def without(field: str) -> dict[str, Any]:
    """Marks a missing field."""
    return {"without": field}


ODD: dict[str, Any] = {
    "a missing id": without("id"),
    "an id that is null": {"id": None},
    "an id in words": {"id": "seventeen"},
    "an id that is a list": {"id": [17]},
    "a negative id": {"id": -17},
    "no time of change": without("date_modified_gmt"),
    "a time of change in words": {"date_modified_gmt": "yesterday"},
    "an empty time of change": {"date_modified_gmt": ""},
    "the database's empty time": {"date_modified_gmt": "0000-00-00T00:00:00"},
    "a time of change that is a list": {"date_modified_gmt": []},
    "a status that is an object": {"status": {"is": "paid"}},
    "lines in words": {"line_items": "none"},
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("place", [0, 1, 2])
async def test_all_other_orders_are_found_and_the_cursor_moves_on(store: Store, name: str, place: int) -> None:
    orders = [store.places() for _ in range(3)]
    before = await sweep_position(store)
    listed = list_rows(store, *orders)
    listed[place] |= {key: value for key, value in ODD[name].items() if key != "without"}
    listed[place].pop(ODD[name].get("without", ""), None)
    store.trouble("status", LIST, status=200, body=json.dumps(listed), headers={"X-WP-TotalPages": "1"})

    stated = await store.swept()

    assert {order for order in orders if order != orders[place]} <= set(order_ids(stated))
    assert await sweep_position(store) > before  # type: ignore[operator]


async def test_an_id_as_a_text_is_an_id(store: Store) -> None:
    order = store.places()
    listed = [row | {"id": str(row["id"])} for row in list_rows(store, order)]
    store.trouble("status", LIST, status=200, body=json.dumps(listed))

    assert order_ids(await store.swept()) == [order]


async def test_a_row_without_an_id_is_one_dead_letter_however_often_it_is_met(store: Store) -> None:
    listed = [row | {"id": None} for row in list_rows(store, store.places())]
    fault = store.trouble("status", LIST, status=200, body=json.dumps(listed))

    first = await store.swept()
    again = [await store.swept() for _ in range(3)]
    store.faults.clear(fault)
    (dead_letter,) = dead_letters(first)
    request = {
        "command_id": "c-1",
        "asked_by": "nino",
        "asked_at": dead_letter.at,
        "dead_letter": dead_letter.dead_letter,
    }
    replayed = await store.asks(ReplayRequested.model_validate(request))

    assert dead_letter.reason == "shop.bad-answer"
    assert "without an order id" in dead_letter.detail
    assert again == [[], [], []]
    assert [event.how for event in replayed if isinstance(event, DeadLetterSettled)] == ["replayed"]
    assert not dead_letters(replayed)


class FailsOn:
    """A shop whose list leaves out an order on which it fails."""

    def __init__(self, store: Store, order: int) -> None:
        self._store, self._order = store, order

    async def orders_changed_since(
        self, since: Cursor, *, skip: OnSkipped = log_skipped
    ) -> AsyncIterator[dict[str, Any]]:
        skip(SkippedRecord(MAIN, "/orders", self._order, 1, "HTTP 500 internal_server_error"))
        async for order in self._store.woocommerce.orders_changed_since(since):
            if order["id"] != self._order:
                yield order


async def test_an_order_that_the_list_leaves_out_is_read_alone(store: Store) -> None:
    left_out, sound = store.places(), store.places()
    await OrderSweep(store.engine, MAIN, FailsOn(store, left_out), store.schedule).once()

    stated = await store.looks()

    assert sorted(order_ids(stated)) == [left_out, sound]
    assert [event.how for event in stated if isinstance(event, DeadLetterSettled)] == ["overtaken"]


async def test_an_order_that_cannot_be_read_alone_either_is_named_until_it_can(store: Store) -> None:
    left_out = store.places()
    fault = store.trouble("status", rf"GET .*/orders/{left_out}$", status=500)
    for _ in range(3):
        await OrderSweep(store.engine, MAIN, FailsOn(store, left_out), store.schedule).once()
    published = await store.looks_once()
    store.faults.clear(fault)
    store.passes(minutes=1)
    later = await store.looks()

    assert [type(event) for event in published] == [OrderUnreadable, DeadLettered]
    assert dead_letters(published)[0].reason == "shop.record-unreadable"
    assert f"order {left_out}" in dead_letters(published)[0].detail
    assert [type(event) for event in later] == [OrderChanged, DeadLetterSettled]


@pytest.mark.parametrize("status", ["checkout-draft", "auto-draft"])
async def test_a_draft_is_ordinary_everywhere(store: Store, status: str) -> None:
    draft, sound = store.places(), store.places()
    store.shop.orders[draft]["status"] = status

    swept = await store.swept()
    hinted = await store.hinted(draft)
    del store.shop.orders[draft]

    assert order_ids(swept) == [sound]
    assert hinted == []
    assert await store.hinted(draft) == []
    store.passes(hours=1)
    assert await store.looks() == []
