"""What orders hold of the stock, from their acceptance until Balance's reading contains their Sale."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.ledger import SaleRecorded
from contracts.model import Event
from contracts.shop import OrderChanged, OrderRemoved
from services.stock_publisher.records import CLAIM
from tests.stock_publisher.stock_bench import (
    PRODUCT,
    SUBJECT,
    after,
    figure,
    given,
    line,
    link,
    order,
    publish,
    publisher,
    row,
    sale,
    stock,
    written,
)
from tests.support.memory_state import NOON


@pytest.mark.claim("K1")
@pytest.mark.parametrize(
    ("status", "more", "left"),
    [
        ("processing", {}, 6),
        ("on-hold", {}, 6),
        ("completed", {}, 6),
        ("pending", {}, 10),
        ("failed", {}, 10),
        ("cancelled", {}, 10),
        ("refunded", {}, 10),
        ("checkout-draft", {}, 10),
        ("packed-by-plugin", {}, 10),
        ("packed-by-plugin", {"paid_at": NOON}, 6),
    ],
)
def test_an_order_holds_stock_as_the_shop_itself_does(status: str, more: dict[str, Any], left: int) -> None:
    assert figure(given(order(1, "4", status, **more))) == left


@pytest.mark.parametrize(
    ("statuses", "left"),
    [
        (("pending", "processing"), 6),
        (("processing", "completed"), 6),
        (("processing", "cancelled"), 10),
        (("processing", "cancelled", "processing"), 6),
        (("processing", "packed-by-plugin"), 6),
        (("pending", "packed-by-plugin"), 10),
        (("processing", "packed-by-plugin", "cancelled"), 10),
        (("on-hold", "failed"), 10),
    ],
)
def test_an_order_on_its_way(statuses: tuple[str, ...], left: int) -> None:
    assert figure(given(*(order(1, "4", status) for status in statuses))) == left


@pytest.mark.claim("K1", "S3.40", "S3.41")
def test_an_order_leaves_when_a_later_reading_contains_its_sale_and_the_figure_stays() -> None:
    on = given(order(1, "4"))
    assert publish(on)
    on.take(sale(1, "4", after(minutes=5)))
    assert figure(on) is None
    on.take(stock(row("6"), at=after(minutes=6)))
    assert figure(on) is None
    on.take(stock(row("5"), at=after(minutes=7)))
    assert figure(on) == 5


@pytest.mark.claim("K1")
@pytest.mark.parametrize(
    ("read_at", "left"),
    [(after(minutes=4), 6), (after(minutes=5), 6), (after(minutes=5, seconds=1), 10)],
)
def test_a_reading_that_was_begun_before_the_sale_proves_nothing(read_at: Any, left: int) -> None:
    events: list[Event] = [order(1, "4"), sale(1, "4", after(minutes=5)), stock(row("10"), at=read_at)]
    for ordered in (events, events[::-1]):
        assert figure(given(*ordered)) == left


def test_what_an_order_was_raised_by_after_its_sale_stays_in_flight() -> None:
    on = given(order(1, "4"), sale(1, "4", after(minutes=1)), stock(row("6"), at=after(minutes=2)), order(1, "5"))
    assert figure(on) == 5


def test_lines_of_one_product_add_up_and_others_are_not_its() -> None:
    lines = (line(PRODUCT, "2"), line(PRODUCT, "0.5"), line(999, "3"), line(0, "3"), line(PRODUCT, "1", kind="fee"))
    assert figure(given(order(1, "1", lines=lines))) == 7


def test_a_variation_is_held_by_its_own_id() -> None:
    on = publisher()
    on.take(link(product_id=500, parent_id=PRODUCT), stock(row("10")))
    on.take(order(1, "4", lines=(line(PRODUCT, "4", variation_id=500),)), order(2, "3"))
    write = written(on.again(SUBJECT, NOON))
    assert (write.quantity, write.product_id, write.parent_id) == (6, 500, PRODUCT)


def test_an_order_seen_before_the_link_counts_all_the_same() -> None:
    on = publisher()
    on.take(order(1, "4"), stock(row("10")))
    assert written(on.take(link())[SUBJECT]).quantity == 6


def test_an_order_that_is_removed_holds_nothing() -> None:
    on = given(order(1, "4"))
    on.take(OrderRemoved(shop="main", order_id=1, observed_at=NOON))
    assert figure(on) == 10
    assert not on.state.find(CLAIM, f"main:{PRODUCT}")


def test_a_line_that_is_taken_out_of_an_order_is_let_go() -> None:
    on = given(order(1, "4"), order(1, "4", lines=(line(999, "4"),)))
    assert figure(on) == 10


def test_an_order_of_another_shop_holds_nothing_here() -> None:
    assert figure(given(order(1, "4", shop="other"))) == 10


@pytest.mark.parametrize(
    ("accepted", "more", "left"),
    [
        (after(days=-13), {}, 6),
        (after(days=-14), {}, 10),
        (after(days=-30), {}, 10),
        (after(days=-1), {"completed_at": after(days=-30)}, 10),
        (after(days=-1), {"paid_at": after(days=-30)}, 10),
    ],
)
def test_an_order_whose_sale_never_comes_does_not_hold_for_ever(accepted: Any, more: Any, left: int) -> None:
    assert figure(given(order(1, "4", "completed", at=accepted, **more))) == left


def test_the_end_of_the_hold_is_noticed_by_itself() -> None:
    on = given(order(1, "4", at=after(days=-1)), order(2, "3"), in_flight_days=3)
    decision = on.again(SUBJECT, NOON)
    assert (written(decision).quantity, decision.again_at) == (3, after(days=2))
    assert figure(on, after(days=2)) == 7
    assert figure(on, after(days=3)) == 10


def test_an_old_order_that_is_only_edited_does_not_hold_again() -> None:
    old = order(1, "4", "processing", at=after(days=-20))
    assert figure(given(old, order(1, "4", "completed", at=NOON))) == 10


def test_an_old_unpaid_order_that_is_paid_today_holds_from_today() -> None:
    old = order(1, "4", "pending", at=after(days=-20))
    assert figure(given(old, order(1, "4", "processing", at=NOON, created_at=after(days=-20)))) == 6


@pytest.mark.claim("K1")
def test_a_movement_by_the_shop_itself_is_answered_even_when_the_figure_is_the_published_one() -> None:
    """The shop gives 4 pieces back while Balance loses 4: the figure is 6 as before, but the shop now holds 10."""
    on = given(order(1, "4"))
    publish(on)
    on.take(order(1, "4", "cancelled"), stock(row("6"), at=after(minutes=1)))
    assert figure(on) == 6
    assert publish(on)
    assert figure(on) is None


@pytest.mark.claim("K1")
def test_a_cancellation_after_the_sale_was_read_is_answered() -> None:
    on = given(order(1, "4"), sale(1, "4", after(minutes=1)), stock(row("6"), at=after(minutes=2)))
    publish(on)
    on.take(order(1, "4", "cancelled"))
    assert figure(on) == 6


def test_a_refund_that_may_have_put_pieces_back_is_answered() -> None:
    on = given(order(1, "4"))
    publish(on)
    on.take(order(1, "4", refund_ids=(9,)))
    assert figure(on) == 6


def test_an_order_that_only_changes_its_name_moves_nothing() -> None:
    on = given(order(1, "4"))
    publish(on)
    on.take(order(1, "4", "completed", number="A-1"))
    assert figure(on) is None


def test_claims_that_a_reading_contains_are_forgotten() -> None:
    on = given(order(1, "4"), order(2, "1"), sale(1, "4", after(minutes=1)), order(3, "9", at=after(days=-40)))
    on.take(stock(row("6"), at=after(minutes=2)))
    assert [claim.order_id for claim in on.state.find(CLAIM, f"main:{PRODUCT}").values()] == [2]
    assert figure(on) == 5


ODD_ORDERS: list[OrderChanged] = [
    order(1, "-4"),
    order(1, "0"),
    order(1, "4", lines=()),
    order(1, "4", status=""),
    order(1, "4", lines=(line(0, "4"),)),
    order(1, "4", refund_ids=(3, 3, 1)),
]


@pytest.mark.parametrize("odd", ODD_ORDERS)
def test_odd_orders_never_raise_the_figure(odd: OrderChanged) -> None:
    assert (figure(given(odd)) or 0) <= 10


@pytest.mark.parametrize(
    "odd",
    [
        sale(1, "0", after(minutes=1)),
        sale(1, "-4", after(minutes=1)),
        sale(1, "4", after(minutes=1), item="other"),
        sale(7, "4", after(minutes=1)),
    ],
)
def test_a_sale_of_something_else_frees_nothing(odd: SaleRecorded) -> None:
    on = given(order(1, "4"), odd, stock(row("10"), at=after(minutes=2)))
    assert (figure(on) or 0) <= 6
