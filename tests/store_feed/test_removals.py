"""What the shop no longer shows counts as removed only after it was asked for a second time, some time later."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from contracts.operations import DeadLettered
from contracts.shop import OrderChanged, OrderRemoved, OrderUnreadable, RefundRemoved, RefundUnreadable
from services.connectors.identity.status import with_identity
from services.sandbox.woocommerce.orders import Orders
from services.sandbox.woocommerce.refunds import OrderRefunds
from services.store_feed.handlers import handlers
from services.store_feed.records import NAME
from tests.store_feed.shop_bench import MAIN, Store
from tests.support.engine_bench import Ledger, opened, reading

pytestmark = pytest.mark.claim("K28")
GONE = '{"code": "woocommerce_rest_shop_order_invalid_id", "message": "Invalid ID.", "data": {"status": 404}}'


async def deleted(store: Store) -> int:
    """A known order that was permanently deleted, reported once by the shop."""
    order = store.places()
    await store.hinted(order)
    Orders(store.shop).delete(order, force=True)
    (missing,) = await store.hinted(order)
    assert isinstance(missing, OrderUnreadable)
    assert missing.reason == "shop.order-missing"
    return order


async def test_an_order_deleted_for_good_is_removed_at_the_second_answer(store: Store) -> None:
    order = await deleted(store)
    store.passes(minutes=9, seconds=59)
    too_early = await store.looks()
    store.passes(seconds=1)

    (removed,) = await store.looks()

    assert too_early == []
    assert isinstance(removed, OrderRemoved)
    assert removed.order_id == order
    assert await store.hinted(order) == []


async def test_another_hint_within_the_wait_neither_removes_nor_begins_it_again(store: Store) -> None:
    order = await deleted(store)
    store.passes(minutes=5)
    assert await store.hinted(order) == []
    store.passes(minutes=5)

    assert [type(event) for event in await store.looks()] == [OrderRemoved]


async def test_an_order_that_is_back_before_the_second_answer_was_never_removed(store: Store) -> None:
    order = store.places()
    await store.hinted(order)
    fault = store.trouble("status", rf"GET .*/orders/{order}$", status=404, body=GONE)
    first = await store.hinted(order)
    store.faults.clear(fault)
    store.passes(minutes=10)

    again = await store.looks()

    assert [type(event) for event in first] == [OrderUnreadable]
    assert [(type(event), getattr(event, "changed", None)) for event in again] == [(OrderChanged, ())]
    assert not [event for event in (*first, *again) if isinstance(event, DeadLettered)]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html><title>404 Not Found</title></html>",
        '{"message": "not here"}',
        '{"code": "rest_no_route", "message": "No route was found", "data": {"status": 404}}',
    ],
    ids=["empty", "a web page", "a message", "another WordPress code"],
)
async def test_a_404_that_is_not_woocommerces_own_says_nothing_about_the_order(store: Store, body: str) -> None:
    order = store.places()
    await store.hinted(order)
    store.trouble("status", rf"GET .*/orders/{order}$", status=404, body=body)
    await store.hints(order)

    assert await store.looks_once() == []


async def test_an_order_that_was_never_known_is_not_missed(store: Store) -> None:
    assert await store.hinted(4711) == []
    store.passes(hours=1)
    assert await store.looks() == []


async def test_an_order_that_goes_between_its_read_and_that_of_its_refunds_is_missing(store: Store) -> None:
    order = store.places()
    await store.hinted(order)
    store.refunds(order, "5.00")
    body = '{"code": "woocommerce_rest_invalid_order_id", "message": "Invalid order ID.", "data": {"status": 404}}'
    store.trouble("status", "GET .*/refunds$", status=404, body=body)

    (missing,) = await store.hinted(order)

    assert isinstance(missing, OrderUnreadable)
    assert missing.reason == "shop.order-missing"


async def test_a_refund_that_disappears_is_removed_at_the_second_answer(store: Store) -> None:
    order = store.places()
    first, second = store.refunds(order, "5.00"), store.refunds(order, "2.00")
    await store.hinted(order)
    OrderRefunds(store.shop, order).delete(first, force=True)

    (missing,) = await store.hinted(order)
    store.passes(minutes=10)
    changed, removed = await store.looks()

    assert isinstance(missing, RefundUnreadable)
    assert (missing.refund_id, missing.reason) == (first, "shop.refund-missing")
    assert isinstance(changed, OrderChanged)
    assert changed.refund_ids == (second,)
    assert isinstance(removed, RefundRemoved)
    assert removed.refund_id == first
    assert await store.hinted(order) == []


@asynccontextmanager
async def killed(store: Store, _: Path) -> AsyncIterator[None]:
    """The service starts again on the database that it had."""
    await store.engine.database.close()
    async with opened(NAME, with_identity(handlers([MAIN])), store.directory, store.clock) as store.engine:
        store.ledger = Ledger(store.engine, store.ledger.seen)
        yield


@asynccontextmanager
async def rebuilt(store: Store, empty: Path) -> AsyncIterator[None]:
    """The service starts again without its database: everything is read from the topics."""
    records = await store.ledger.records()
    async with reading(NAME, with_identity(handlers([MAIN])), empty, store.clock) as store.engine:
        await store.engine.take(records)
        await store.engine.finish_catch_up()
        store.ledger = Ledger(store.engine)
        yield


@pytest.mark.parametrize("started_again", [killed, rebuilt])
async def test_the_wait_goes_on_after_a_restart(
    store: Store, tmp_path: Path, started_again: Callable[[Store, Path], AbstractAsyncContextManager[None]]
) -> None:
    order = await deleted(store)
    store.passes(minutes=4)
    async with started_again(store, tmp_path / "empty"):
        early = await store.looks()
        store.passes(minutes=6)
        late = await store.looks()

    assert early == []
    assert [(type(event), event.key) for event in late] == [(OrderRemoved, f"{MAIN}:{order}")]
