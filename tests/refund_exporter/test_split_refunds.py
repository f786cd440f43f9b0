"""Refunds of an order with a Sale in each of two warehouses: each credit note is bound to the Sale of its lines."""

from __future__ import annotations

from decimal import Decimal

import pytest

from contracts.closing import DayDifference
from contracts.ledger import CreditNoteRecorded, DocumentPart, SaleDiverged, SaleRecorded
from contracts.shop import RefundIssued
from services.accounting.documents.ids import credit_note_uid, part_uid
from services.cli.day_close.read_back import compare_document, recorded_documents
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Done
from services.refund_exporter.composition import EarlierNote, as_earlier, compose_task
from services.refund_exporter.credit_note import build_credit_note
from services.refund_exporter.deliveries import deliveries
from services.refund_exporter.reversal import build_reversal, reversal_note
from services.refund_exporter.sale_basis import build_basis, compute_remainder
from services.refund_exporter.tasks import CreditNoteTask
from services.settings.balance import Dialect
from tests.cli.day_events import DAY, day_entries
from tests.order_exporter.warehouse_stock import GLDANI, VAKE
from tests.refund_exporter.refund_bench import BOUGHT as ORDERED
from tests.refund_exporter.refund_bench import CORRECTION, CUP, PARCEL, RETURN, TEA
from tests.support.exporting import AMOUNT, KEY, PAID, SHOP, given_back, recorded_sale, refund, settings
from tests.support.fake_books import FakeBooks

USING = settings(amount_item=AMOUNT)
SECOND = "88888888-0000-4000-8000-000000000002"


def split_sale() -> SaleRecorded:
    """Tea (60) and the parcel (10) left Gldani under the order's own uid, the cup (30) left Vake."""
    sale = recorded_sale(ORDERED, USING)
    tea, cup, parcel = sale.sent["Items"]
    parts = (
        DocumentPart(
            document=sale.sale,
            warehouse=GLDANI,
            total=Decimal("70.00"),
            positions=(1, 3),
            sent=sale.sent | {"Warehouse": GLDANI, "Items": [tea, parcel]},
        ),
        DocumentPart(
            document=SECOND,
            warehouse=VAKE,
            total=Decimal("30.00"),
            positions=(2,),
            sent=sale.sent | {"uid": SECOND, "Warehouse": VAKE, "Items": [cup]},
        ),
    )
    return sale.model_copy(update={"parts": parts, "sent": parts[0].sent})


SALE = split_sale()
BASIS = build_basis(SALE)


def task_of(issued: RefundIssued, *earlier: CreditNoteTask) -> CreditNoteTask:
    rules, before = USING.shops[SHOP].orders, [as_earlier(each) for each in earlier]
    left = compute_remainder(BASIS, [each for one in before for each in one.lines])
    return compose_task(issued, build_credit_note(issued, BASIS, left, rules), BASIS, before, rules, USING.balance)


def document_lines(task: CreditNoteTask) -> list[tuple[str, str, str, list[str]]]:
    """Of each document the Sale that it is bound to, its warehouse, its operation, and the amounts."""
    return [
        (
            part.sent["BaseDocument"],
            part.sent["Warehouse"],
            part.sent["OperationType"],
            [row["Amount"] for row in part.sent["Items"]],
        )
        for part in task.parts
    ]


@pytest.mark.claim("S3.37")
@pytest.mark.parametrize(
    ("issued", "expected"),
    [
        (
            refund("15.00", given_back(TEA, "15.00", quantity="1")),
            [(SALE.sale, GLDANI, RETURN, ["15.00"])],
        ),
        (
            refund("30.00", given_back(CUP, "30.00", quantity="1")),
            [(SECOND, VAKE, RETURN, ["30.00"])],
        ),
        (
            refund("45.00", given_back(TEA, "15.00", quantity="1"), given_back(CUP, "30.00", quantity="1")),
            [(SALE.sale, GLDANI, RETURN, ["15.00"]), (SECOND, VAKE, RETURN, ["30.00"])],
        ),
        (
            refund("40.00", given_back(PARCEL, "10.00", kind="shipping"), given_back(CUP, "30.00", quantity="1")),
            [(SALE.sale, GLDANI, CORRECTION, ["10.00"]), (SECOND, VAKE, RETURN, ["30.00"])],
        ),
    ],
    ids=["of the first", "of the second", "of both", "shipping and goods"],
)
def test_lines_are_credited_on_the_sale_that_contains_them(issued: RefundIssued, expected: object) -> None:
    task = task_of(issued)
    assert document_lines(task) == expected
    assert sum(part.total for part in task.parts) == task.total == issued.amount


def test_each_document_has_a_uid_of_its_own_that_is_always_the_same() -> None:
    both = refund("45.00", given_back(TEA, "15.00", quantity="1"), given_back(CUP, "30.00", quantity="1"))
    own = credit_note_uid(SHOP, both.refund_id)
    assert [part.document for part in task_of(both).parts] == [own, part_uid(own, SECOND)]
    assert [part.sent["uid"] for part in task_of(both).parts] == [own, part_uid(own, SECOND)]


def test_an_amount_without_lines_is_credited_on_the_first() -> None:
    task = task_of(refund("5.00"))
    assert {part.sent["BaseDocument"] for part in task.parts} == {SALE.sale}
    assert sum(part.total for part in task.parts) == Decimal("5.00")


def test_an_order_given_up_has_each_of_its_sales_credited_whole() -> None:
    diverged = {"shop": SHOP, "order_id": ORDERED.order_id, "sale": SALE.sale, "recorded_total": "100", "detail": "d"}
    given_up = SaleDiverged.model_validate(
        diverged | {"order_total": "0", "order_version": 2, "what": "given-up", "observed_at": PAID}
    )
    reversal, none = build_reversal(given_up, None, 0), list[EarlierNote]()
    note = reversal_note(reversal, BASIS, compute_remainder(BASIS, []))
    task = compose_task(reversal, note, BASIS, none, USING.shops[SHOP].orders, USING.balance)
    assert [(part.base, part.total) for part in task.parts] == [
        (SALE.sale, Decimal("70.00")),
        (SECOND, Decimal("30.00")),
    ]


async def written(issued: RefundIssued, books: FakeBooks) -> CreditNoteRecorded:
    task = task_of(issued)
    id_ = f"credit-note:{KEY}:{task.refund_id}"
    row = Row(id_, "credit-note", "balance.documents", KEY, KEY, task.model_dump(mode="json"))
    [outcome] = await deliveries(books, Dialect(), lambda: PAID)["balance.documents"]([row])
    assert isinstance(outcome, Done)
    [event] = outcome.events
    assert isinstance(event, CreditNoteRecorded)
    return event


BOTH = refund("45.00", given_back(TEA, "15.00", quantity="1"), given_back(CUP, "30.00", quantity="1"))


async def test_both_documents_exist_once_and_are_one_credit_note_in_the_ledger() -> None:
    books = FakeBooks()
    event = await written(BOTH, books)
    again = await written(BOTH, books)
    assert (len(books.notes), books.puts("SalesCredit")) == (2, 2)
    assert (event.total, again.total) == (Decimal("45.00"), Decimal("45.00"))
    assert [each for each in event.differences if not each.startswith("VAT: the refund says")] == []
    assert [(part.base, part.number) for part in event.parts] == [(SALE.sale, "0000001"), (SECOND, "0000002")]
    left = compute_remainder(BASIS, event.lines)
    assert (left.total, left.lines[1].quantity, left.lines[2].amount) == (Decimal("55.00"), 3, 0)


# -- the day's close reads each of them back


def differences(uid: str) -> list[DayDifference | None]:
    """What the read-back says when the document of this uid is a tetri off."""
    looked = []
    for one in recorded_documents(day_entries([ORDERED, SALE], DAY), USING.balance):
        sent = next(part.sent for part in SALE.parts if part.document == one.uid)
        row, items = dict(sent), [dict(each) for each in sent["Items"]]
        if one.uid == uid:
            items[0]["Amount"] = str(Decimal(items[0]["Amount"]) - Decimal("0.01"))
        looked.append(compare_document(one, row | {"uid": one.uid, "Items": items}, USING.balance))
    return looked


@pytest.mark.claim("S3.37", "I6")
def test_every_part_is_read_back_with_its_own_total() -> None:
    assert differences("none") == [None, None]
    assert [one and one.amount for one in differences(SECOND)] == [None, Decimal("0.01")]
