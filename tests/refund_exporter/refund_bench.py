"""What the tests of credit notes share: an order of tea, a cup and a parcel, its Sale, and the note of a refund."""

from __future__ import annotations

from contracts.ledger import CreditNoteRecorded
from contracts.shop import OrderChanged, RefundIssued
from services.refund_exporter.composition import EarlierNote, as_earlier, compose_task
from services.refund_exporter.credit_note import build_credit_note
from services.refund_exporter.sale_basis import build_basis, compute_remainder
from services.refund_exporter.tasks import CreditNoteTask, note_content
from services.settings.model import Settings
from tests.support.exporting import (
    PAID,
    SHOP,
    ZERO_VAT,
    line,
    order,
    recorded_sale,
    settings,
)

RETURN, CORRECTION = "დაბრუნება", "ფასის კორექტირება"
TEA, CUP, PARCEL = 1, 2, 3
BOUGHT = order(
    line(TEA, "60.00", quantity="4"),
    line(CUP, "30.00", quantity="1", product=312, rate=ZERO_VAT),
    line(PARCEL, "10.00", kind="shipping"),
)
SALE = recorded_sale(BOUGHT, settings())


def note(
    issued: RefundIssued, *earlier: CreditNoteTask, using: Settings | None = None, bought: OrderChanged = BOUGHT
) -> CreditNoteTask:
    using = using or settings()
    rules = using.shops[SHOP].orders
    sold = build_basis(recorded_sale(bought, using))
    before: list[EarlierNote] = [as_earlier(each) for each in earlier]
    left = compute_remainder(sold, [each for one in before for each in one.lines])
    return compose_task(issued, build_credit_note(issued, sold, left, rules), sold, before, rules, using.balance)


def rows(task: CreditNoteTask) -> list[tuple[str, str, str, str]]:
    return [(row["Item"], row["Quantity"], row["Amount"], row["VAT"]) for row in task.document["Items"]]


def recorded_note(task: CreditNoteTask) -> CreditNoteRecorded:
    return CreditNoteRecorded(**note_content(task), how="written", number="0000009", recorded_at=PAID)
