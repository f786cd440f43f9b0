"""One note for all refunds of a Sale, and refunds that give no credit note."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from contracts.reasons import Reason
from contracts.shop import RefundIssued
from services.accounting.documents.ids import cumulative_note_uid
from services.accounting.documents.unbookable import Unbookable
from tests.refund_exporter.refund_bench import PARCEL, RETURN, TEA, note, rows
from tests.support.exporting import (
    ORDER,
    SHIPPING,
    SHOP,
    given_back,
    item_of,
    refund,
    settings,
)

# -- one note for all refunds of a Sale


def test_a_cumulative_note_is_one_document_that_grows() -> None:
    using = settings(balance={"dialect": {"credit_notes": "cumulative"}})
    first = note(refund("4.00", given_back(PARCEL, "4.00", kind="shipping")), using=using)
    later = refund("15.00", given_back(TEA, "15.00", quantity="1"), refund_id=1052)
    second = note(later, first, using=using)
    assert first.credit_note == second.credit_note == cumulative_note_uid(SHOP, ORDER)
    assert rows(second) == [(SHIPPING, "1", "4.00", "0.61"), (item_of(311), "1", "15.00", "2.29")]
    assert (second.total, second.document_total) == (Decimal("15.00"), Decimal("19.00"))
    assert second.document["OperationType"] == RETURN
    assert second.document["Comments"] == "Refund 1051, 1052 of order 1042, shop main"


# -- what cannot be credited

BAD: dict[str, tuple[RefundIssued, Reason, str]] = {
    "above the sale": (refund("100.01"), Reason.REFUND_ABOVE_SALE, "only 100.00 is left"),
    "more pieces than sold": (
        refund("15.00", given_back(TEA, "15.00", quantity="5")),
        Reason.REFUND_ABOVE_SALE,
        "5 of product come back, but only 4 are left on the Sale",
    ),
    "a line that was not sold": (
        refund("5.00", given_back(77, "5.00", name="cake")),
        Reason.REFUND_LINE_UNKNOWN,
        "cake",
    ),
    "a line without origin": (refund("5.00", given_back(None, "5.00")), Reason.REFUND_LINE_UNKNOWN, "line None"),
    "amount above its lines": (
        refund("16.00", given_back(TEA, "15.00", quantity="1")),
        Reason.REFUND_AMOUNT_DIFFERS,
        "a difference of +1.00",
    ),
    "amount below its lines": (
        refund("14.50", given_back(TEA, "15.00", quantity="1")),
        Reason.REFUND_AMOUNT_DIFFERS,
        "a difference of -0.50",
    ),
    "another currency": (refund("5.00", currency="USD"), Reason.REFUND_AMOUNT_DIFFERS, "its Sale in GEL"),
    "three decimals": (refund("5.001"), Reason.REFUND_NOT_WHOLE_TETRI, "5.001"),
    "a line of three decimals": (
        refund("5.00", given_back(TEA, "5.00", total=Decimal("4.999"), total_tax=Decimal(0))),
        Reason.REFUND_NOT_WHOLE_TETRI,
        "4.999",
    ),
    "nothing at all": (refund("0.00"), Reason.REFUND_NOTHING_TO_CREDIT, "neither money nor goods"),
    "a negative fee that was not sold": (
        refund("-1.00", given_back(PARCEL, "-1.00", kind="shipping")),
        Reason.REFUND_WRONG_SIGN,
        "which has the wrong sign",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_gives_no_sound_credit_note_is_refused_with_the_cause(name: str) -> None:
    issued, reason, named = BAD[name]
    with pytest.raises(Unbookable) as refused:
        note(issued)
    assert refused.value.reason is reason
    assert named in refused.value.detail


def test_a_second_refund_of_everything_is_above_the_sale() -> None:
    everything: Any = refund("100.00")
    with pytest.raises(Unbookable) as refused:
        note(everything.model_copy(update={"refund_id": 1052}), note(everything))
    assert refused.value.reason is Reason.REFUND_ABOVE_SALE
