"""An order that cannot be read: reported once, its lines reserve stock, and its dead letter closes by itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from contracts.model import Event
from contracts.operations import DeadLettered, DeadLetterSettled, DiscardRequested, ReplayRequested
from contracts.shop import OrderChanged, OrderUnreadable
from services.connectors.woocommerce.orders import read_parts
from tests.store_feed.shop_bench import MAIN, Store

pytestmark = pytest.mark.claim("K30")


async def unreadable(store: Store) -> tuple[int, OrderUnreadable, DeadLettered]:
    """An order that cannot be read, with its two events."""
    order = store.places(status="processing")
    store.shop.orders[order]["currency"] = "lari"
    doubt, dead_letter = await store.hinted(order)
    assert isinstance(doubt, OrderUnreadable)
    assert isinstance(dead_letter, DeadLettered)
    return order, doubt, dead_letter


def asked(dead_letter: DeadLettered) -> dict[str, Any]:
    """The fields of every command about a dead letter."""
    return {"command_id": "c-1", "asked_by": "nino", "asked_at": dead_letter.at, "dead_letter": dead_letter.dead_letter}


def reported(events: list[Event]) -> list[str]:
    """The events about the order and its dead letter, in order."""
    dead_letters = [event for event in events if isinstance(event, DeadLettered | DeadLetterSettled | OrderChanged)]
    return [event.how if isinstance(event, DeadLetterSettled) else type(event).__name__ for event in dead_letters]


async def test_it_is_a_dead_letter_and_a_fact_with_what_can_be_read(store: Store) -> None:
    order, doubt, dead_letter = await unreadable(store)

    assert (dead_letter.reason, dead_letter.original_key) == ("shop.order-invalid", f"{MAIN}:{order}")
    assert f"order {order}: field `currency`" in dead_letter.detail
    assert (doubt.reason, doubt.detail) == (dead_letter.reason, dead_letter.detail)
    assert (doubt.status, [(line.product_id, line.quantity) for line in doubt.lines]) == ("processing", [(10, 1)])


async def test_further_hints_neither_open_nor_close_its_dead_letter(store: Store) -> None:
    order, _, _ = await unreadable(store)

    assert [await store.hinted(order) for _ in range(3)] == [[], [], []]


@pytest.mark.parametrize("how", ["saved in the shop", "changed without being saved", "hinted at"])
async def test_its_dead_letter_closes_when_it_becomes_readable(store: Store, how: str) -> None:
    order, _, _ = await unreadable(store)
    store.shop.orders[order]["currency"] = "GEL"
    if how == "saved in the shop":
        store.changes(order)
        await store.sweep.once()
    elif how == "hinted at":
        await store.hints(order)
    else:
        store.passes(minutes=1)

    assert reported(await store.looks()) == ["OrderChanged", "overtaken"]


async def test_another_field_that_cannot_be_read_is_reported(store: Store) -> None:
    order, _, first = await unreadable(store)
    store.shop.orders[order] |= {"currency": "GEL", "total": "1,234.50"}

    published = await store.hinted(order)

    (dead_letter,) = [event for event in published if isinstance(event, DeadLettered)]
    assert dead_letter.dead_letter == first.dead_letter
    assert "total" in dead_letter.detail


async def test_a_replay_reads_it_again(store: Store) -> None:
    order, _, dead_letter = await unreadable(store)
    store.shop.orders[order]["currency"] = "GEL"

    assert reported(await store.asks(ReplayRequested(**asked(dead_letter)))) == ["replayed", "OrderChanged"]


async def test_a_failed_replay_opens_it_again_and_is_counted(store: Store) -> None:
    order, _, dead_letter = await unreadable(store)
    before = store.reads(order)

    published = await store.asks(ReplayRequested(**asked(dead_letter)))

    assert reported(published) == ["replayed", "DeadLettered"]
    assert [event.replays for event in published if isinstance(event, DeadLettered)] == [1]
    assert store.reads(order) == before + 1


async def test_one_that_was_discarded_stays_so_until_it_is_readable(store: Store) -> None:
    order, _, dead_letter = await unreadable(store)
    await store.asks(DiscardRequested(**asked(dead_letter), why="booked by hand"))

    silent = await store.hinted(order)
    store.shop.orders[order]["currency"] = "GEL"

    assert reported(silent) == []
    assert reported(await store.hinted(order)) == ["OrderChanged"]


async def test_an_earlier_readable_state_stays_what_is_known(store: Store) -> None:
    order = store.places()
    await store.hinted(order)
    sound = dict(store.shop.orders[order])
    store.shop.orders[order]["currency"] = "lari"
    await store.hinted(order)
    store.shop.orders[order] = sound

    (stated, closed) = await store.hinted(order)

    assert isinstance(stated, OrderChanged)
    assert stated.changed == ()
    assert isinstance(closed, DeadLetterSettled)


LINE = {"product_id": 311, "variation_id": 0, "sku": "CUP", "quantity": 2, "total": "84.75"}


@pytest.mark.parametrize(
    ("line", "read"),
    [
        (LINE, (311, 0, "CUP", Decimal(2))),
        (LINE | {"product_id": "311", "quantity": "2"}, (311, 0, "CUP", Decimal(2))),
        (LINE | {"variation_id": 312, "sku": False}, (311, 312, "", Decimal(2))),
        (LINE | {"product_id": 0}, (0, 0, "CUP", Decimal(2))),
        (LINE | {"total": "1,234.50"}, (311, 0, "CUP", Decimal(2))),
        (LINE | {"quantity": "two"}, None),
        (LINE | {"quantity": -2}, None),
        (LINE | {"quantity": "1e400"}, None),
        (LINE | {"total": "-84.75"}, None),
        (LINE | {"product_id": None, "sku": None}, None),
        ([], None),
        ("line", None),
    ],
)
def test_what_of_a_line_can_be_read(line: Any, read: tuple[int, int, str, Decimal] | None) -> None:
    found = read_parts({"line_items": [line]})["lines"]

    assert [(one.product_id, one.variation_id, one.sku, one.quantity) for one in found] == ([read] if read else [])


@pytest.mark.parametrize(
    ("json", "field", "read"),
    [
        ({"status": " processing "}, "status", "processing"),
        ({"status": {"slug": "processing"}}, "status", ""),
        ({"number": 17}, "number", "17"),
        ({"parent_id": "16"}, "parent_id", 16),
        ({"parent_id": -1}, "parent_id", 0),
        ({"created_via": None}, "created_via", ""),
        ({"date_paid_gmt": "yesterday"}, "paid_at", None),
        ({"line_items": {"5": LINE, "7": LINE}}, "lines", 2),
        ({"line_items": "none"}, "lines", 0),
        ({}, "lines", 0),
    ],
)
def test_what_of_an_order_can_be_read(json: dict[str, Any], field: str, read: Any) -> None:
    found = read_parts(json)[field]

    assert (len(found) if field == "lines" else found) == read
