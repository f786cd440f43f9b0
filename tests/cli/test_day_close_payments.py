"""The payments of a day beside their receipts (claim S0.13): green when each has one, else the cause."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from contracts.operations import CommandSettled
from services.cli.day_close.app import close_rows
from services.cli.day_close.read_back import recorded_documents as documents
from tests.cli.day_events import DAY, close_of, day_entries, open_dead_letter
from tests.order_exporter.export_bench import bought
from tests.order_exporter.receipt_bench import USING, entered, receipt, sold
from tests.order_exporter.receipt_bench import recorded as receipt_recorded
from tests.support.exporting import KEY, PAID, recorded_sale
from tests.support.memory_state import NOON

BOUGHT = bought()
SALE = recorded_sale(BOUGHT, USING)
RECEIPT = receipt_recorded(receipt(sold().again(KEY, NOON)))


def close(*events: Any) -> Any:
    return close_of(*events, date=DAY, using=USING)


@pytest.mark.claim("I2", "S0.13")
def test_a_payment_with_its_receipt_is_green_and_in_the_table() -> None:
    day = close(BOUGHT, SALE, RECEIPT)
    assert day.green
    assert ("payments 1, GEL", "20.00", "20.00", "0.00") in close_rows(day)
    assert [one.resource for one in documents(day_entries((BOUGHT, SALE, RECEIPT), DAY, USING), USING.balance)] == [
        "Sale",
        "BankOrder",
    ]


@pytest.mark.parametrize(
    ("events", "amount", "cause"),
    [
        ((BOUGHT, SALE), "20.00", "its document is not recorded yet"),
        ((BOUGHT, SALE, open_dead_letter(f"receipt:{KEY}:order", KEY)), "20.00", "March is closed"),
        ((BOUGHT, SALE, RECEIPT.model_copy(update={"amount": Decimal(2)})), "18.00", "has another amount"),
        ((bought(paid_at=None), SALE, RECEIPT), "-20.00", "no payment is recorded in the shop or by a person"),
        ((bought(payment_method="flitt"), SALE), "20.00", "its document is not recorded yet"),
    ],
)
def test_a_payment_that_differs_in_the_books_is_a_difference(events: Any, amount: str, cause: str) -> None:
    day = close(*events)
    [one] = [each for each in day.differences if each.kind == "payment"]
    assert (day.green, one.name, one.amount) == (False, "payment:1042:order", Decimal(amount))
    assert cause in one.cause


def test_a_payment_entered_by_a_person_counts_unless_it_was_refused() -> None:
    order, by_hand = bought(paid_at=None), entered("15.00")
    waits = close(order, SALE, by_hand)
    [one] = [each for each in waits.differences if each.kind == "payment"]
    assert one.amount == Decimal("15.00")
    refused = CommandSettled(
        command_id=by_hand.command_id, service="order-exporter", outcome="refused", detail="x", settled_at=PAID
    )
    assert not [each for each in close(order, SALE, by_hand, refused).differences if each.kind == "payment"]


def test_without_a_payments_flow_no_receipt_is_expected() -> None:
    assert close_of(BOUGHT, recorded_sale(BOUGHT, USING)).green
