"""An order that cannot be read keeps the stock of its lines reserved, as far as they can be read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from contracts.model import Event
from contracts.shop import OrderRemoved, OrderUnreadable
from services.stock_publisher.handlers import handlers
from tests.stock_publisher.stock_bench import PRODUCT, after, figure, given, link, order, sale, settings, stock
from tests.stock_publisher.stock_bench import row as pieces_of
from tests.support.memory_state import NOON, Consumer


def unreadable(pieces: str = "", at: datetime = NOON, **more: Any) -> OrderUnreadable:
    """Order 1, of which the shop shows so many readable pieces of the product."""
    known = {"shop": "main", "order_id": 1, "reason": "shop.order-invalid", "detail": "total", "observed_at": at}
    lines = [{"product_id": PRODUCT, "quantity": pieces}] if pieces else []
    return OrderUnreadable.model_validate({**known, "lines": lines, **more})


@pytest.mark.claim("K30")
@pytest.mark.parametrize(
    ("status", "paid", "left"),
    [
        ("processing", None, 6),
        ("on-hold", None, 6),
        ("", None, 6),
        ("pending", None, 10),
        ("cancelled", None, 10),
        ("packed-by-plugin", None, 10),
        ("packed-by-plugin", NOON, 6),
    ],
)
def test_an_order_first_seen_unreadable_reserves_what_can_be_read(status: str, paid: Any, left: int) -> None:
    assert figure(given(unreadable("4", status=status, paid_at=paid))) == left


@pytest.mark.parametrize(
    ("then", "left"),
    [
        pytest.param(unreadable(), 6, id="nothing of it can be read any more"),
        pytest.param(unreadable("1", status="processing"), 6, id="fewer pieces can be read"),
        pytest.param(unreadable("7", status="processing"), 3, id="more pieces can be read"),
        pytest.param(unreadable("4", status="cancelled"), 10, id="its status gives the stock back"),
        pytest.param(unreadable(reason="shop.order-missing"), 6, id="the shop says once that it is gone"),
    ],
)
def test_the_larger_reservation_is_kept(then: OrderUnreadable, left: int) -> None:
    assert figure(given(order(1, "4"), then)) == left


@pytest.mark.parametrize(
    ("then", "left"),
    [
        (order(1, "2"), 8),
        (order(1, "4", "cancelled"), 10),
        (OrderRemoved(shop="main", order_id=1, observed_at=NOON), 10),
    ],
    ids=["readable with fewer pieces", "readable and cancelled", "removed"],
)
def test_the_next_readable_state_replaces_it(then: Event, left: int) -> None:
    assert figure(given(unreadable("4", status="processing"), then)) == left


def test_its_sale_takes_it_out_of_flight_as_that_of_any_order() -> None:
    on = given(order(1, "4"), unreadable("4"), sale(1, "4", after(minutes=5)))
    on.take(stock(pieces_of("6"), at=after(minutes=6)))

    assert figure(on) == 6


def test_it_holds_stock_from_the_moment_it_was_first_accepted_and_no_longer_than_others() -> None:
    days = timedelta(days=14)
    on = given(order(1, "4"), unreadable("4", at=NOON + days / 2))

    assert (figure(on, NOON + days - timedelta(seconds=1)), figure(on, NOON + days)) == (6, 10)


@pytest.mark.parametrize(("meant", "left"), [("own-order", 6), ("part-of-parent", 10)])
def test_one_with_a_parent_reserves_what_the_setting_says_of_its_origin(meant: str, left: int) -> None:
    rules = settings()
    orders = rules.shops["main"].orders.model_copy(update={"sub_orders": {"dokan": meant}})
    shop = rules.shops["main"].model_copy(update={"orders": orders})
    on = Consumer(handlers(rules.model_copy(update={"shops": {"main": shop}})))

    on.take(link(), stock(pieces_of("10")), unreadable("4", status="processing", parent_id=7, created_via="dokan"))

    assert figure(on) == left
