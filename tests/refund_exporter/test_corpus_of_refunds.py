"""Every refund that a real WooCommerce made becomes a credit note of its amount, or is refused by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import pytest

from contracts.reasons import Reason
from contracts.shop import RefundIssued
from services.accounting.documents.unbookable import Unbookable
from services.refund_exporter.composition import EarlierNote, as_earlier, compose_task
from services.refund_exporter.credit_note import build_credit_note
from services.refund_exporter.sale_basis import Remainder, SaleBasis, build_basis, compute_remainder
from services.refund_exporter.tasks import CreditNoteTask
from services.sandbox.recorded import Recording, get_recording, list_order_ids
from services.settings.model import Settings
from tests.support.exporting import AMOUNT, recorded_order, recorded_refunds, recorded_sale, settings

CURRENCIES = {"USD": "66666666-0000-4000-8000-000000000001", "EUR": "66666666-0000-4000-8000-000000000002"}
SPREAD = settings(balance={"currencies": CURRENCIES})
SERVICE = settings(balance={"currencies": CURRENCIES}, amount_item=AMOUNT)
CUMULATIVE = settings(balance={"currencies": CURRENCIES, "dialect": {"credit_notes": "cumulative"}}, amount_item=AMOUNT)

REFUSED = {
    Reason.REFUND_AMOUNT_DIFFERS: {288, 512, 898},  # amount sent apart from the lines (rule 13)
    Reason.REFUND_ABOVE_SALE: {255, 601, 743, 894} | {740},  # more pieces than were sold (17); order edited since (16)
    Reason.REFUND_NOT_WHOLE_TETRI: {779},  # a shop with 3 decimals (rule 11)
}
WITHOUT_SALE = 10
"""Refunds of orders that have no Sale: no line, a negative total, or a total that is not whole tetri."""
RETURN, CORRECTION = "დაბრუნება", "ფასის კორექტირება"


def refunded_orders() -> list[int]:
    return [order_id for order_id in list_order_ids() if get_recording(order_id).refunds]


def basis(one: Recording, using: Settings) -> SaleBasis | None:
    try:
        return build_basis(recorded_sale(recorded_order(one), using))
    except Unbookable:
        return None


def notes(one: Recording, using: Settings) -> Iterator[tuple[RefundIssued, CreditNoteTask | Reason]]:
    sold, earlier, rules = basis(one, using), list[EarlierNote](), using.shops["main"].orders
    for refund in recorded_refunds(one) if sold else ():
        assert sold is not None
        try:
            note = build_credit_note(refund, sold, left(sold, earlier), rules)
            task = compose_task(refund, note, sold, earlier, rules, using.balance)
        except Unbookable as refused:
            yield refund, refused.reason
            continue
        earlier.append(as_earlier(task))
        yield refund, task


def left(sold: SaleBasis, earlier: list[EarlierNote]) -> Remainder:
    return compute_remainder(sold, [line for note in earlier for line in note.lines])


@pytest.mark.claim("S0.12", "S0.37")
@pytest.mark.parametrize("using", [SPREAD, SERVICE], ids=["spread over lines", "service item"])
@pytest.mark.parametrize("order_id", refunded_orders())
def test_a_credit_note_comes_to_the_refunds_amount_or_the_refund_is_refused(order_id: int, using: Settings) -> None:
    for refund, task in notes(get_recording(order_id), using):
        if isinstance(task, Reason):
            assert refund.refund_id in REFUSED[task]
            continue
        rows = task.document["Items"]
        assert task.total == refund.amount == sum((line.amount for line in task.lines), Decimal(0))
        assert [Decimal(row["Amount"]) for row in rows] == [line.amount for line in task.lines]
        assert all(row["BaseDocument"] for row in rows)
        assert all(Decimal(row["Quantity"]) > 0 for row in rows)


def test_no_more_refunds_are_refused_than_have_to_be() -> None:
    outcomes = [task for order_id in refunded_orders() for _, task in notes(get_recording(order_id), SPREAD)]
    refused = Counter(task for task in outcomes if isinstance(task, Reason))
    kinds = Counter(task.document["OperationType"] for task in outcomes if isinstance(task, CreditNoteTask))
    assert refused == {reason: len(ids) for reason, ids in REFUSED.items()}
    assert kinds == {RETURN: 64, CORRECTION: 44}
    assert len(outcomes) + WITHOUT_SALE == 127


def test_an_order_that_was_refunded_in_full_leaves_nothing_on_any_line_of_its_sale() -> None:
    fully = 0
    for order_id in refunded_orders():
        sold = basis(get_recording(order_id), SPREAD)
        tasks = [task for _, task in notes(get_recording(order_id), SPREAD) if isinstance(task, CreditNoteTask)]
        rest = left(sold, [as_earlier(task) for task in tasks]) if sold else None
        if rest is not None and rest.total == 0:
            assert {(line.amount, line.vat) for line in rest.lines.values()} == {(Decimal(0), Decimal(0))}, order_id
            fully += 1
    assert fully == 33


def test_one_cumulative_note_holds_all_refunds_so_far() -> None:
    several = 0
    for order_id in refunded_orders():
        tasks = [task for _, task in notes(get_recording(order_id), CUMULATIVE) if isinstance(task, CreditNoteTask)]
        assert len({task.credit_note for task in tasks}) <= 1
        for count, task in enumerate(tasks, start=1):
            written = sum((Decimal(row["Amount"]) for row in task.document["Items"]), Decimal(0))
            assert written == task.document_total == sum((each.total for each in tasks[:count]), Decimal(0))
        several += len(tasks) > 1
    assert several == 9
