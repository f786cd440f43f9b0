"""A refund that cannot be taken as it is answered waits by itself; its order and its other refunds go on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts.model import Event
from contracts.operations import DeadLettered, DeadLetterSettled
from contracts.shop import OrderChanged, RefundIssued, RefundRemoved, RefundUnreadable
from services.sandbox.woocommerce.refunds import OrderRefunds, render_refund
from tests.store_feed.shop_bench import MAIN, Store

ALONE, LIST = r"GET .*/orders/\d+$", "GET .*/refunds$"


def dead_letters(events: list[Event]) -> list[DeadLettered]:
    """The dead letters that were opened."""
    return [event for event in events if isinstance(event, DeadLettered)]


def closed(events: list[Event]) -> list[str]:
    """How dead letters were closed."""
    return [event.how for event in events if isinstance(event, DeadLetterSettled)]


def issued(events: list[Event]) -> list[int]:
    """The refunds that were stated."""
    return [event.refund_id for event in events if isinstance(event, RefundIssued)]


def goods_back(store: Store, order: int, quantity: Any = -1, **line: Any) -> int:
    """A point of sale gives goods back, and stores the refund's line as it likes; gives the refund's id."""
    refund = store.refunds(order, "5.00")
    back = {"id": 900 + refund, "quantity": quantity, "total": "-4.24", "total_tax": "-0.76", "taxes": [], **line}
    store.shop.refunds[refund]["line_items"] = [{**back, "product_id": 10, "variation_id": 0, "meta_data": []}]
    return refund


@pytest.mark.claim("K29")
@pytest.mark.parametrize(
    ("line", "named"),
    [
        ({"quantity": 1}, "quantity"),
        ({"quantity": "1"}, "quantity"),
        ({"quantity": "many"}, "quantity"),
        ({"total": "4,24"}, "total"),
        ({"total_tax": "₾0.76"}, "total_tax"),
    ],
)
async def test_an_unreadable_refund_is_a_dead_letter_of_its_own(store: Store, line: dict[str, Any], named: str) -> None:
    """The order was never looked at before, and has a sound refund too."""
    order = store.places()
    sound = store.refunds(order, "2.00")
    odd = goods_back(store, order, **line)

    stated = await store.hinted(order)

    (changed,) = [event for event in stated if isinstance(event, OrderChanged)]
    (doubt,) = [event for event in stated if isinstance(event, RefundUnreadable)]
    (dead_letter,) = dead_letters(stated)
    assert changed.refund_ids == (sound, odd)
    assert issued(stated) == [sound]
    assert (doubt.refund_id, doubt.reason, str(doubt.amount)) == (odd, "shop.refund-invalid", "5.00")
    assert (dead_letter.reason, dead_letter.original_key) == ("shop.refund-invalid", f"{MAIN}:{order}")
    assert f"order {order}, refund {odd}" in dead_letter.detail
    assert named in dead_letter.detail


async def test_a_wrong_sign_is_named(store: Store) -> None:
    order = store.places()
    goods_back(store, order, quantity=1)

    (dead_letter,) = dead_letters(await store.hinted(order))

    assert "wrong sign" in dead_letter.detail


async def test_its_order_goes_on_while_it_waits_and_it_is_reported_once(store: Store) -> None:
    order = store.places()
    goods_back(store, order, quantity=1)
    await store.hinted(order)
    store.changes(order, status="completed")

    later = [await store.hinted(order) for _ in range(3)]

    assert [[type(event) for event in events] for events in later] == [[OrderChanged], [], []]


@pytest.mark.parametrize("hinted", [True, False])
async def test_its_dead_letter_closes_when_it_becomes_readable(store: Store, hinted: bool) -> None:
    order = store.places()
    odd = goods_back(store, order, quantity=1)
    await store.hinted(order)
    store.shop.refunds[odd]["line_items"][0]["quantity"] = -1
    store.passes(seconds=1 if hinted else 60)

    stated = await store.hinted(order) if hinted else await store.looks()

    assert issued(stated) == [odd]
    assert closed(stated) == ["overtaken"]


async def test_its_dead_letter_closes_when_it_is_deleted(store: Store) -> None:
    order = store.places()
    odd = goods_back(store, order, quantity=1)
    await store.hinted(order)
    OrderRefunds(store.shop, order).delete(odd, force=True)

    missing = await store.hinted(order)
    store.passes(minutes=10)
    removed = await store.looks()

    assert closed(missing) == ["overtaken"]
    assert [type(event) for event in removed] == [OrderChanged, RefundRemoved]


@pytest.mark.claim("K28")
async def test_a_refund_that_its_list_does_not_have_yet_is_read_until_both_agree(store: Store) -> None:
    order = store.places()
    first = store.refunds(order, "2.00")
    fault = store.trouble("cache", LIST, past="nothing")
    await store.hinted(order)
    second = store.refunds(order, "3.00")

    stated = await store.hinted(order)
    later = [await store.hinted(order) for _ in range(3)]
    store.faults.clear(fault)
    store.passes(minutes=1)
    agreed = await store.looks()

    (changed,) = [event for event in stated if isinstance(event, OrderChanged)]
    (dead_letter,) = dead_letters(stated)
    assert changed.refund_ids == (first, second)
    assert dead_letter.reason == "shop.refunds-differ"
    assert f"refund {second}: the order has it" in dead_letter.detail
    assert later == [[], [], []]
    assert (issued(agreed), closed(agreed)) == ([second], ["overtaken"])


@pytest.mark.claim("K28")
async def test_a_refund_that_its_order_does_not_name_yet_gets_no_document(store: Store) -> None:
    """It was deleted, and the list is still an old page."""
    order = store.places()
    await store.hinted(order)
    refund = store.refunds(order, "5.00")
    listed = json.dumps([render_refund(store.shop, store.shop.refunds[refund], with_parent=False)])
    assert issued(await store.hinted(order)) == [refund]
    OrderRefunds(store.shop, order).delete(refund, force=True)
    fault = store.trouble("status", LIST, status=200, body=listed)

    doubted = await store.hinted(order)
    store.passes(hours=1)
    still = await store.looks()
    store.faults.clear(fault)
    await store.hinted(order)
    store.passes(minutes=10)
    removed = await store.looks()

    assert [dead_letter.reason for dead_letter in dead_letters(doubted)] == ["shop.refunds-differ"]
    assert not [event for event in (*doubted, *still) if isinstance(event, RefundRemoved)]
    assert [type(event) for event in removed] == [OrderChanged, RefundRemoved]


@pytest.mark.claim("K28")
async def test_an_empty_list_of_refunds_removes_none(store: Store) -> None:
    order = store.places()
    refund = store.refunds(order, "5.00")
    await store.hinted(order)
    store.trouble("status", LIST, status=200, body="[]")

    stated = await store.hinted(order)
    for _ in range(12):
        store.passes(hours=1)
        stated += await store.looks()

    assert not [event for event in stated if isinstance(event, RefundRemoved)]
    assert [dead_letter.reason for dead_letter in dead_letters(stated)] == ["shop.refunds-differ"]
    assert f"refund {refund}" in dead_letters(stated)[0].detail


async def test_an_odd_row_in_the_list_of_refunds_leaves_the_others_alone(store: Store) -> None:
    order = store.places()
    sound, odd = store.refunds(order, "2.00"), store.refunds(order, "3.00")
    rows = [render_refund(store.shop, store.shop.refunds[one], with_parent=False) for one in (sound, odd)]
    rows[1]["id"] = None
    store.trouble("status", LIST, status=200, body=json.dumps(rows))

    stated = await store.hinted(order)

    assert issued(stated) == [sound]
    assert [dead_letter.reason for dead_letter in dead_letters(stated)] == ["shop.refunds-differ"]
