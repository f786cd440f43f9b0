"""Reading the day's documents from Balance once more: what was changed by hand since is found, with its amount."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from contracts.closing import DayDifference
from contracts.model import Event
from services.cli.day_close.read_back import RecordedDocument, compare_document, recorded_documents
from services.console.model.days.close import close_day
from tests.cli.day_events import ASKED, DAY, NOW, REFUND_DAY, USING, day_entries, recorded_credit_note
from tests.support.exporting import SHOP, given_back, line, order, recorded_sale, refund, settings

BOUGHT = order(line(1, "118.00", quantity="2"))
SALE = recorded_sale(BOUGHT, USING)
ROW: Mapping[str, Any] = SALE.sent | {"Number": "0000001"}
LINE = SALE.sent["Items"][0]


def only(*events: Event, date: str = DAY) -> RecordedDocument:
    [one] = recorded_documents(day_entries(events, date), USING.balance)
    return one


def looked(row: Mapping[str, Any] | None) -> DayDifference | None:
    return compare_document(only(BOUGHT, SALE), row, USING.balance)


@pytest.mark.claim("I2", "I6")
def test_a_document_equal_to_its_record_is_no_difference() -> None:
    assert looked(ROW) is None


@pytest.mark.claim("I6")
@pytest.mark.parametrize(
    ("row", "amount", "cause"),
    [
        (None, "118.00", "it is not in Balance any more"),
        (ROW | {"DeletionMark": True}, "118.00", "marked for deletion"),
        (ROW | {"Items": [LINE | {"Amount": "100.00"}]}, "18.00", "its total in Balance is 100.00, not 118.00"),
        (ROW | {"Date": "2026-04-01T00:00:00"}, "118.00", "its date in Balance is 2026-04-01"),
        (ROW | {"Items": [LINE | {"Amount": "many"}]}, "118.00", "it cannot be read"),
    ],
    ids=["deleted", "marked", "another amount", "another date", "unreadable"],
)
def test_a_document_changed_by_hand_is_reported(row: Mapping[str, Any] | None, amount: str, cause: str) -> None:
    difference = looked(row)
    assert difference is not None
    assert (difference.amount, difference.number) == (Decimal(amount), "1042")
    assert cause in difference.cause


def test_one_credit_note_for_several_refunds_is_read_once_and_compared_in_total() -> None:
    using = settings(balance={"dialect": {"credit_notes": "cumulative"}})
    first = refund("10.00", given_back(1, "10.00"), refund_id=1)
    second = refund("5.00", given_back(1, "5.00"), refund_id=2)
    notes = [recorded_credit_note(each, BOUGHT, using) for each in (first, second)]
    assert len({note.credit_note for note in notes}) == 1
    whole = only(BOUGHT, SALE, first, second, *notes, date=REFUND_DAY)
    assert (whole.total, whole.resource) == (Decimal("15.00"), "SalesCredit")


def test_a_difference_found_in_balance_makes_the_day_not_green_and_changes_the_digest() -> None:
    entries, difference = day_entries((BOUGHT, SALE)), looked(None)
    assert difference is not None
    green = close_day((SHOP, DAY), entries, USING.shops[SHOP], "nino", NOW, asked=ASKED, read=[])
    edited = close_day((SHOP, DAY), entries, USING.shops[SHOP], "nino", NOW, asked=ASKED, read=[difference])
    assert (green.green, green.read_back, edited.green) == (True, True, False)
    assert green.digest != edited.digest
