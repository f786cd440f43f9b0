"""Writing a Sale: once, read back, compared; whatever fails and wherever the process dies."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from contracts.ledger import Attempt, SaleRecorded
from contracts.reasons import Reason
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Done, Outcome, Refused, Retry, Unknown
from services.engine.outbox.upstream_errors import ACCESS_PAUSE, AccessDenied, Rejected, Unavailable, UnknownOutcome
from services.order_exporter.deliveries import deliveries
from services.order_exporter.tasks import SaleTask
from services.settings.balance import Dialect
from tests.support.exporting import KEY, PAID, ROUNDING, line, order, sale_task, settings
from tests.support.fake_books import FakeBooks, Json, Killed

TASK = sale_task(order(line(1, "20.00", quantity="2"), line(2, "5.00", kind="shipping")), settings())
TRIED = Attempt(at=PAID, outcome="unknown", detail="no answer within 60 s")
OTHER_UID = "88888888-0000-4000-8000-000000000001"


def row_of(task: SaleTask = TASK, *attempts: Attempt) -> Row:
    return Row(
        f"sale:{KEY}", "sale", "balance.documents", KEY, KEY, task.model_dump(mode="json"), attempts, len(attempts) + 1
    )


async def deliver(books: FakeBooks, row: Row | None = None) -> Outcome:
    [outcome] = await deliveries(books, Dialect(), lambda: PAID)["balance.documents"]([row or row_of()])
    return outcome


def recorded(outcome: Outcome) -> SaleRecorded:
    assert isinstance(outcome, Done)
    [event] = outcome.events
    assert isinstance(event, SaleRecorded)
    return event


def change_line(position: int, **fields: Any) -> Any:
    def change(document: Json) -> Json:
        lines = [dict(each) for each in document["Items"]]
        lines[position - 1] |= fields
        return document | {"Items": lines}

    return change


async def test_a_sale_is_read_first_then_written_then_read_back() -> None:
    books = FakeBooks()
    event = recorded(await deliver(books))
    assert books.calls == ["GET Sale", "PUT Sale", "GET Sale"]
    assert (event.how, event.number, event.total, event.vat) == (
        "written",
        "0000001",
        Decimal("25.00"),
        Decimal("3.81"),
    )
    assert (event.sale, event.differences, event.sent) == (TASK.sale, (), TASK.document)
    assert [each.balance_line_uid for each in event.lines] == [
        "55555555-0000-4000-8000-000000000001",
        "55555555-0000-4000-8000-000000000002",
    ]


@pytest.mark.claim("K2")
@pytest.mark.parametrize("call", [1, 2, 3])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("failure", [Killed(), UnknownOutcome("no answer within 60 s")])
async def test_a_kill_or_an_unknown_outcome_at_any_step_leaves_exactly_one_sale(
    call: int, when: str, failure: BaseException
) -> None:
    books = FakeBooks(**{f"fail_{when}": {call: failure}})
    attempts = ()
    with suppress(Killed):  # then nothing of the attempt was noted
        assert isinstance(await deliver(books), Unknown)
        attempts = (TRIED,)
    event = recorded(await deliver(books, row_of(TASK, *attempts)))
    assert list(books.sales) == [TASK.sale] == [event.sale]
    assert books.puts("Sale") == (2 if (call, when) == (2, "before") else 1)
    assert event.differences == ()


async def test_what_we_wrote_before_the_answer_was_lost_counts_as_written() -> None:
    books = FakeBooks(fail_after={2: UnknownOutcome("no answer within 60 s")})
    await deliver(books)
    event = recorded(await deliver(books, row_of(TASK, TRIED)))
    assert (event.how, event.attempts) == ("written", (TRIED,))


async def test_a_sale_that_exists_is_adopted_and_never_overwritten() -> None:
    books = FakeBooks(change=change_line(1, Amount="19.00"))
    await books.put_sale(TASK.document)
    event = recorded(await deliver(books))
    assert books.puts("Sale") == 1
    assert (event.how, event.total) == ("adopted", Decimal("24.00"))
    assert event.differences[0] == "total: 24.00 instead of 25.00"
    assert event.lines[0].amount == Decimal("19.00")


@pytest.mark.claim("I6")
@pytest.mark.parametrize(
    ("change", "word"),
    [
        (change_line(1, Item=""), "line 1: Item is empty"),
        (change_line(1, Item=ROUNDING), f"line 1: Item: {ROUNDING} instead of"),
        (change_line(2, Amount="5.01"), "total: 25.01 instead of 25.00"),
        (change_line(2, Amount="5.01"), "line 2: amount 5.01 instead of 5.00"),
        (change_line(1, Quantity="1"), "line 1: quantity 1 instead of 2"),
        (lambda document: document | {"Client": ""}, "Client is empty"),
        (lambda document: document | {"Client": ROUNDING}, f"Client: {ROUNDING} instead of"),
        (lambda document: document | {"Warehouse": "00000000-0000-0000-0000-000000000000"}, "Warehouse is empty"),
        (lambda document: document | {"Items": document["Items"][:1]}, "1 lines instead of 2"),
    ],
)
async def test_a_sale_that_balance_took_otherwise_than_meant_is_named_and_left_unchanged(
    change: Any, word: str
) -> None:
    books = FakeBooks(change=change)
    outcome = await deliver(books)
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.SALE_NOT_AS_MEANT
    assert word in outcome.detail
    assert "the Sale of order 1042 of shop main exists in Balance as 0000001" in outcome.detail
    assert recorded(await deliver(books)).how == "adopted"  # the replay, after a person has looked


@pytest.mark.claim("S3.51")
async def test_balances_own_vat_is_noted_when_it_is_another_one() -> None:
    event = recorded(await deliver(FakeBooks(change=change_line(1, VAT="3.00"))))
    assert event.differences == ("VAT: Balance computed 3.76, the lines hold 3.81",)
    assert event.vat == Decimal("3.76")


async def test_lines_that_balance_keeps_in_another_order_are_matched_by_item_and_amount() -> None:
    books = FakeBooks(change=lambda document: document | {"Items": document["Items"][::-1]})
    event = recorded(await deliver(books))
    assert [each.balance_line_uid for each in event.lines] == [
        "55555555-0000-4000-8000-000000000001",
        "55555555-0000-4000-8000-000000000002",
    ]


@pytest.mark.parametrize(
    ("error", "pause"),
    [(Unavailable("down", retry_after=7.0), 7.0), (AccessDenied("password", status=401), ACCESS_PAUSE)],
)
async def test_an_upstream_that_is_away_costs_no_attempt_and_writes_nothing(error: Any, pause: float) -> None:
    books = FakeBooks(fail_before={1: error})
    assert await deliver(books) == Retry(str(error), pause)
    assert books.puts("Sale") == 0


async def test_a_write_that_could_not_be_read_back_is_read_before_anything_else() -> None:
    books = FakeBooks(fail_before={3: Unavailable("down")})
    assert isinstance(await deliver(books), Unknown)
    assert recorded(await deliver(books, row_of(TASK, TRIED))).how == "written"
    assert books.puts("Sale") == 1


async def test_a_refusal_is_final_and_names_the_order() -> None:
    closed = Rejected("November is closed", reason=Reason.BALANCE_PERIOD_CLOSED, status=400)
    outcome = await deliver(FakeBooks(fail_before={2: closed}))
    assert outcome == Refused(Reason.BALANCE_PERIOD_CLOSED, "the Sale of order 1042 of shop main: November is closed")


async def test_a_draft_that_a_refused_posting_leaves_behind_is_reported() -> None:
    refused = Rejected("posting failed", reason=Reason.BALANCE_REFUSED, status=400)
    outcome = await deliver(FakeBooks(fail_after={2: refused}))
    assert isinstance(outcome, Refused)
    assert f"Balance kept it as {TASK.sale}, not posted" in outcome.detail


async def test_a_sale_marked_for_deletion_is_not_mistaken_for_a_recorded_one() -> None:
    books = FakeBooks(change=lambda document: document | {"DeletionMark": "true"})
    await books.put_sale(TASK.document)
    outcome = await deliver(books)
    assert isinstance(outcome, Refused)
    assert "marked for deletion" in outcome.detail


async def test_a_uid_of_balances_own_making_is_taken_and_noted() -> None:
    event = recorded(await deliver(FakeBooks(own_uid=OTHER_UID)))
    assert event.sale == OTHER_UID
    assert event.differences == (f"uid: Balance assigned {OTHER_UID} instead of {TASK.sale}",)


async def test_a_sale_that_balance_confirms_and_never_shows_ends_with_a_person() -> None:
    class Forgetful(FakeBooks):
        async def sale(self, uid: str) -> Json | None:
            return None

    assert isinstance(await deliver(Forgetful()), Unknown)
    outcome = await deliver(Forgetful(), row_of(TASK, TRIED, TRIED))
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.SALE_NOT_AS_MEANT


async def test_a_stored_row_that_cannot_be_read_is_named() -> None:
    books = FakeBooks(change=change_line(1, Amount="twenty"))
    outcome = await deliver(books)
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.BALANCE_ROW_INVALID


async def test_rows_of_several_orders_are_delivered_each_for_itself() -> None:
    other = sale_task(order(line(1, "7.00"), order_id=1043, number="1043"), settings())
    books = FakeBooks()
    rows = [row_of(), replace(row_of(other), id="sale:main:1043", key="main:1043")]
    outcomes = await deliveries(books, Dialect(), lambda: PAID)["balance.documents"](rows)
    assert [recorded(each).order_id for each in outcomes] == [1042, 1043]
    assert set(books.sales) == {TASK.sale, other.sale}


@pytest.mark.claim("S4.30")
@pytest.mark.parametrize(("field", "waybill"), [(None, None), ("WaybillNumber", "0777")], ids=["not named", "named"])
async def test_a_waybill_that_balance_shows_is_recorded_where_the_settings_name_its_field(
    field: str | None, waybill: str | None
) -> None:
    books = FakeBooks(change=lambda document: document | {"WaybillNumber": " 0777 "})
    [outcome] = await deliveries(books, Dialect(waybill_number_field=field), lambda: PAID)["balance.documents"](
        [row_of()]
    )
    assert recorded(outcome).waybill == waybill
