"""A person asks for orders that the topics lack: they are stated again, whatever store-feed stated before."""

from __future__ import annotations

import pytest

from contracts.operations import ReadRequested
from contracts.shop import OrderChanged, OrderRemoved, RefundIssued
from services.sandbox.woocommerce.orders import Orders
from tests.outbox.sample_service import NOW
from tests.store_feed.shop_bench import MAIN, Store

pytestmark = pytest.mark.claim("K32", "K19")


def read(*orders: int, command: str = "r1") -> ReadRequested:
    """The command of a person."""
    return ReadRequested(command_id=command, asked_by="nino", asked_at=NOW, shop=MAIN, order_ids=orders)


async def test_orders_and_refunds_that_were_stated_before_are_stated_again_once(store: Store) -> None:
    first, second = store.places(), store.places()
    store.refunds(first, "5.00")
    await store.hinted(first, second)

    published = await store.asks(read(first, second))

    assert {(type(event), event.key) for event in published} == {
        (OrderChanged, f"{MAIN}:{first}"),
        (RefundIssued, f"{MAIN}:{first}"),
        (OrderChanged, f"{MAIN}:{second}"),
    }
    assert await store.hinted(first, second) == []


async def test_an_order_that_was_never_read_is_stated(store: Store) -> None:
    order = store.places()
    (event,) = await store.asks(read(order))
    assert isinstance(event, OrderChanged)


async def test_an_order_in_the_trash_is_stated_as_removed_once_more(store: Store) -> None:
    order = store.places()
    await store.hinted(order)
    Orders(store.shop).delete(order, force=False)
    assert [type(event) for event in await store.hinted(order)] == [OrderRemoved]

    again = await store.asks(read(order))

    assert [type(event) for event in again] == [OrderRemoved]
