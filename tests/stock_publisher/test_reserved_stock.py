"""Orders with a sales order: Balance's reserve and the orders in flight never count the same pieces twice, nor not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from contracts.ledger import SaleRecorded
from contracts.placement import Pieces
from contracts.sales_orders import SalesOrderEnded, SalesOrderRecorded
from tests.stock_publisher.stock_bench import ITEM, after, figure, given, order, row, sale, stock


def reserved(pieces: str, at: Any) -> SalesOrderRecorded:
    """The sales order of order 1, recorded at `at`, as Balance says that it reserves."""
    return SalesOrderRecorded(
        shop="main",
        order_id=1,
        sales_order="so-1",
        client="client",
        date="2026-03-02",
        total=Decimal(10),
        vat=Decimal(0),
        currency="GEL",
        lines=(),
        order_version=1,
        content_digest="d",
        sent={},
        how="written",
        reserved=(Pieces(item=ITEM, quantity=Decimal(pieces)),) if Decimal(pieces) else (),
        recorded_at=at,
    )


def ended(at: Any, why: str = "sold") -> SalesOrderEnded:
    given = {"shop": "main", "order_id": 1, "sales_order": "so-1", "why": why, "ended_at": at}
    return SalesOrderEnded.model_validate(given)


def read(quantity: str, reserve: str = "0", *, minutes: float) -> Any:
    return stock(row(quantity, reserve), at=after(minutes=minutes))


HELD = order(1, "4", "on-hold")
PAID = order(1, "4")


@pytest.mark.claim("S4.31", "K1")
def test_the_pieces_are_subtracted_once_from_the_order_to_its_sale() -> None:
    """Ten lie there and four are ordered: six are for sale at every moment in between."""
    way: list[Any] = [
        HELD,
        reserved("4", after(minutes=5)),
        read("10", "4", minutes=6),
        PAID,
        ended(after(minutes=10)),
        read("10", minutes=11),
        sale(1, "4", after(minutes=12)),
        read("6", minutes=13),
    ]
    assert [figure(given(*way[: step + 1])) for step in range(len(way))] == [6, 6, 6, 6, 2, 6, 6, 6]
    # between the end of the reservation and the next reading the last one still holds it: four too few, never too many


@pytest.mark.parametrize(
    ("minutes", "left"), [(4, 2), (5, 2), (6, 6)], ids=["before it", "in the same moment", "after it"]
)
def test_only_a_reading_begun_after_the_reservation_contains_it(minutes: float, left: int) -> None:
    assert figure(given(HELD, reserved("4", after(minutes=5)), read("10", "4", minutes=minutes))) == left


def test_what_balance_did_not_reserve_stays_in_flight() -> None:
    assert figure(given(HELD, reserved("0", after(minutes=5)), read("10", minutes=6))) == 6
    assert figure(given(HELD, reserved("1", after(minutes=5)), read("10", "1", minutes=6))) == 6


def test_where_reserves_are_not_subtracted_the_order_stays_in_flight() -> None:
    events = (HELD, reserved("4", after(minutes=5)), read("10", "4", minutes=6))
    assert figure(given(*events, subtract_reserve=False)) == 6


def test_an_order_given_up_lets_go_of_both() -> None:
    given_up = order(1, "4", "cancelled")
    end = ended(after(minutes=10), "given-up")
    assert figure(given(HELD, reserved("4", after(minutes=5)), given_up, end, read("10", minutes=11))) == 10


def test_a_sale_that_waits_to_be_posted_has_taken_nothing_out() -> None:
    unposted: SaleRecorded = sale(1, "4", after(minutes=5)).model_copy(update={"posted": False})
    assert figure(given(PAID, unposted, read("10", minutes=6))) == 6
