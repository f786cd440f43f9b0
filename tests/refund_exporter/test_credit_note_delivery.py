"""Writing a credit note: once, bound to its Sale, read back and compared; the Sale itself is never touched."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

from contracts.ledger import Attempt, CreditNoteRecorded
from contracts.reasons import Reason
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Done, Outcome, Refused, Unknown
from services.engine.outbox.upstream_errors import Rejected, UnknownOutcome
from services.refund_exporter.composition import as_earlier, compose_task
from services.refund_exporter.credit_note import build_credit_note
from services.refund_exporter.deliveries import deliveries
from services.refund_exporter.sale_basis import build_basis, compute_remainder
from services.refund_exporter.tasks import CreditNoteTask
from services.settings.balance import Dialect
from tests.support.exporting import (
    KEY,
    PAID,
    SHOP,
    given_back,
    line,
    order,
    recorded_sale,
    refund,
    settings,
)
from tests.support.fake_books import FakeBooks, Killed

BOUGHT = order(line(1, "60.00", quantity="4"), line(2, "40.00", product=312))
PIECE = refund("15.00", given_back(1, "15.00", quantity="1"))
MONEY = refund("5.00", given_back(2, "5.00", quantity="1"), refund_id=1052)
TRIED = Attempt(at=PAID, outcome="unknown", detail="no answer")


def task_of(issued: Any = PIECE, *earlier: CreditNoteTask, policy: str = "separate") -> CreditNoteTask:
    using = settings(balance={"dialect": {"credit_notes": policy}})
    sold, before = build_basis(recorded_sale(BOUGHT, using)), [as_earlier(each) for each in earlier]
    left = compute_remainder(sold, [each for one in before for each in one.lines])
    note = build_credit_note(issued, sold, left, using.shops[SHOP].orders)
    return compose_task(issued, note, sold, before, using.shops[SHOP].orders, using.balance)


def row_of(task: CreditNoteTask, *attempts: Attempt) -> Row:
    id_ = f"credit-note:{KEY}:{task.refund_id}"
    return Row(id_, "credit-note", "balance.documents", KEY, KEY, task.model_dump(mode="json"), attempts)


async def deliver(books: FakeBooks, task: CreditNoteTask | None = None, *attempts: Attempt) -> Outcome:
    lane = deliveries(books, Dialect(), lambda: PAID)["balance.documents"]
    [outcome] = await lane([row_of(task or task_of(), *attempts)])
    return outcome


def recorded(outcome: Outcome) -> CreditNoteRecorded:
    assert isinstance(outcome, Done)
    [event] = outcome.events
    assert isinstance(event, CreditNoteRecorded)
    return event


@pytest.mark.claim("S1.16", "S0.37")
async def test_a_note_is_written_once_and_its_sale_is_never_touched() -> None:
    books = FakeBooks()
    event = recorded(await deliver(books))
    assert books.calls == ["GET SalesCredit", "PUT SalesCredit", "GET SalesCredit"]
    assert (event.how, event.total, event.vat, event.number) == (
        "written",
        Decimal("15.00"),
        Decimal("2.29"),
        "0000001",
    )
    assert event.differences == ()
    assert event.sent["BaseDocument"] == event.sale
    assert event.lines[0].balance_line_uid == "55555555-0000-4000-8000-000000000001"


@pytest.mark.claim("K2")
@pytest.mark.parametrize("call", [1, 2, 3])
@pytest.mark.parametrize("failure", [Killed(), UnknownOutcome("no answer")])
async def test_a_kill_or_an_unknown_outcome_at_any_step_leaves_exactly_one_note(
    call: int, failure: BaseException
) -> None:
    books, attempts = FakeBooks(fail_after={call: failure}), ()
    with suppress(Killed):  # then nothing of the attempt was noted
        assert isinstance(await deliver(books), Unknown)
        attempts = (TRIED,)
    event = recorded(await deliver(books, None, *attempts))
    assert list(books.notes) == [event.credit_note] == [task_of().credit_note]
    assert books.puts("SalesCredit") == 1


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [("BaseDocument", "", "BaseDocument is empty"), ("Client", "", "Client is empty"), ("Items", [], "0 lines")],
)
async def test_a_note_that_balance_took_otherwise_is_named(field: str, value: Any, word: str) -> None:
    outcome = await deliver(FakeBooks(change=lambda document: document | {field: value}))
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.REFUND_NOT_AS_MEANT
    assert word in outcome.detail


async def test_a_build_that_refuses_a_second_note_points_at_the_setting() -> None:
    refused = Rejected("ОбработкаПроведения", reason=Reason.BALANCE_REFUSED, status=400)
    outcome = await deliver(FakeBooks(fail_before={2: refused}))
    assert isinstance(outcome, Refused)
    assert 'balance.dialect.credit-notes = "cumulative"' in outcome.detail


async def test_the_cumulative_note_is_written_again_under_its_own_uid_and_each_refund_is_recorded_for_itself() -> None:
    books = FakeBooks()
    first = task_of(policy="cumulative")
    one = recorded(await deliver(books, first))
    second = task_of(MONEY, first, policy="cumulative")
    two = recorded(await deliver(books, second))
    [stored] = books.notes.values()
    assert [row["Amount"] for row in stored["Items"]] == ["15.00", "5.00"]
    assert (one.credit_note, one.total, two.credit_note, two.total) == (
        first.credit_note,
        Decimal("15.00"),
        first.credit_note,
        Decimal("5.00"),
    )
    assert [each.order_line_id for each in two.lines] == [2]
    # when the same refund is delivered once more, nothing is written
    await deliver(books, second)
    assert books.puts("SalesCredit") == 2


async def test_a_kill_after_the_second_write_leaves_both_refunds_in_the_one_note() -> None:
    books = FakeBooks()
    first = task_of(policy="cumulative")
    await deliver(books, first)
    second = task_of(MONEY, first, policy="cumulative")
    books.fail_after = {len(books.calls) + 2: Killed()}
    with suppress(Killed):
        await deliver(books, second)
    assert recorded(await deliver(books, second)).total == Decimal("5.00")
    [stored] = books.notes.values()
    assert [row["Amount"] for row in stored["Items"]] == ["15.00", "5.00"]
