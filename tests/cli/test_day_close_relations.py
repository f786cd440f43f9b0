"""The day counts a purchase once, on the day that made it due, with what store credit paid."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from contracts.shop import OrderChanged, StoreCredit
from services.console.model.days.entries import match_payments
from services.settings.orders import PaymentSettings
from tests.cli.day_events import DAY, close_of, collect, day_entries, recorded_credit_note
from tests.support.exporting import KEY, SHOP, given_back, line, order, recorded_sale, refund, settings

PART = {"dokan": "part-of-parent"}
CREDIT = {"type": "Credit", "account": "3390"}


def parent(**fields: Any) -> OrderChanged:
    return order(line(11, "100.00", quantity="2"), line(12, "30.00", product=312), **{"order_id": 5001} | fields)


def part(order_id: int, gross: str, **fields: Any) -> OrderChanged:
    given = {"order_id": order_id, "parent_id": 5001, "created_via": "dokan"}
    return order(line(order_id, gross), **given | fields)


@pytest.mark.claim("K26")
@pytest.mark.parametrize(
    ("roles", "green", "count", "total"),
    [(PART, True, 1, "130.00"), ({}, False, 3, "260.00"), ({"default": "own-order"}, False, 3, "260.00")],
    ids=["parts of their parent", "not configured", "orders of their own, not booked yet"],
)
def test_a_purchase_that_is_split_counts_once_and_open_questions_keep_the_day_red(
    roles: dict[str, str], green: bool, count: int, total: str
) -> None:
    using = settings(sub_orders=roles)
    bought = parent()
    close = close_of(bought, part(5002, "100.00"), part(5003, "30.00"), recorded_sale(bought, using), using=using)
    assert (close.green, close.totals[0].count, close.totals[0].shop) == (green, count, Decimal(total))
    assert close.totals[0].books == Decimal("130.00")


@pytest.mark.claim("K26")
def test_the_money_of_a_part_is_expected_once() -> None:
    rules = PaymentSettings.model_validate({"since": "2026-01-01", "methods": {"bog": {"account": "1"}}})
    [story] = collect(part(5002, "100.00")).of_shop(SHOP).values()
    assert match_payments(story, settings(sub_orders=PART).shops[SHOP].orders, rules) == {}
    assert match_payments(story, settings(sub_orders={"dokan": "own-order"}).shops[SHOP].orders, rules) != {}


@pytest.mark.parametrize(("booked", "day"), [("2026-11-02", "2026-11-02"), ("2026-10-31", "2026-10-31")])
def test_a_parcel_belongs_to_the_day_of_its_completion_or_of_the_sale_that_an_earlier_version_dated(
    booked: str, day: str
) -> None:
    bought = order(
        line(11, "100.00"),
        payment_method="cod",
        status="completed",
        created_at=datetime(2026, 10, 31, 15, tzinfo=UTC),
        completed_at=datetime(2026, 11, 2, 10, tzinfo=UTC),
        paid_at=None,
    )
    sale = recorded_sale(bought, settings()).model_copy(update={"date": booked})
    assert close_of(bought, sale, date=day).green
    assert [entry.key for entry in day_entries((bought,), "2026-11-02")] == [KEY]


def test_an_order_whose_status_the_shop_does_not_date_belongs_to_the_day_of_its_sale() -> None:
    using = settings(trigger={"default": ["packed"]})
    bought = order(line(11, "100.00"), status="packed")
    sale = recorded_sale(bought, using).model_copy(update={"date": "2026-03-09"})
    assert close_of(bought, sale, date="2026-03-09", using=using).green


def test_a_sale_on_an_unexplained_day_is_still_a_difference() -> None:
    bought = order(line(11, "100.00"))
    sale = recorded_sale(bought, settings()).model_copy(update={"date": "2026-03-09"})
    assert not close_of(bought, sale, date=DAY).green


def test_an_order_paid_by_store_credit_matches_its_whole_sale() -> None:
    using = settings(store_credit="payment", payments={"store-credit": CREDIT})
    credit = (StoreCredit(name="_funds_used", amount=Decimal(50)),)
    bought = order(line(11, "100.00"), total=Decimal("50.00"), store_credits=credit)
    close = close_of(bought, recorded_sale(bought, using), using=using)
    assert close.green
    assert close.totals[0].shop == close.totals[0].books == Decimal("100.00")


def test_a_refund_of_a_closed_day_is_credited_on_the_first_open_one() -> None:
    using = settings(locked_until=date(2026, 3, 31))
    bought = order(line(11, "100.00"))
    back = refund("15.00", given_back(11, "15.00"))
    note = recorded_credit_note(back, bought, using)
    assert note.date == "2026-04-01"
    assert close_of(bought, recorded_sale(bought, settings()), back, note, date="2026-04-01", using=using).green
