"""An order given up or edited after its Sale: reported, or by policy credited and sold again, in no closed period."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.ledger import CreditNoteRecorded, SaleDiverged, SaleRecorded
from contracts.model import Event
from contracts.reasons import Reason
from services.engine.outbox.decision import NOTHING, Decision
from services.order_exporter import handlers as order_handlers
from services.order_exporter.announcements import sale_content
from services.order_exporter.tasks import SaleTask
from services.refund_exporter import deliveries as refund_deliveries
from services.refund_exporter import handlers as refund_handlers
from services.refund_exporter.tasks import CreditNoteTask
from services.settings.balance import Dialect
from services.settings.model import Settings
from tests.cli.day_events import close_of
from tests.order_exporter.approval_events import approval, approvals_asked
from tests.order_exporter.exporter_lanes import deliver_all
from tests.outbox.bench import open_bench
from tests.outbox.sample_service import record
from tests.refund_exporter.diverged_sales import CANCELLED, EDITED, REMOVED, divergences
from tests.refund_exporter.refund_bench import BOUGHT, RETURN, SALE, TEA
from tests.support.exporting import KEY, given_back, link, refund, settings
from tests.support.fake_books import FakeBooks
from tests.support.memory_state import NOON, Consumer

CREDIT = settings(after_sale="credit")
SEEN = "2026-03-20"


def decided(*events: Event, using: Settings = CREDIT) -> Decision:
    """What refund-exporter decides in the end."""
    return Consumer(refund_handlers.handlers(using)).take(SALE, *events)[KEY]


def credited(decision: Decision) -> CreditNoteTask:
    [delivery] = decision.deliveries
    assert delivery.id == f"credit-note:{KEY}:0"
    return CreditNoteTask.model_validate(delivery.payload)


def recorded(task: CreditNoteTask) -> CreditNoteRecorded:
    fields: dict[str, Any] = {name: getattr(task, name) for name in CreditNoteTask.model_fields if name != "document"}
    return CreditNoteRecorded.model_validate(fields | {"sent": task.document, "how": "written", "recorded_at": NOON})


@pytest.mark.claim("K7")
def test_a_divergence_is_announced_once_and_withdrawn_when_the_order_equals_its_sale_again() -> None:
    events = divergences(CANCELLED, CANCELLED, BOUGHT, BOUGHT, REMOVED)
    assert [one.what for one in events] == ["given-up", "equal-again", "removed"]


@pytest.mark.claim("K7")
@pytest.mark.parametrize("gone", [CANCELLED, REMOVED], ids=["cancelled", "removed"])
def test_a_given_up_order_is_credited_whole_with_its_goods_back_and_the_sale_stays(gone: Event) -> None:
    task = credited(decided(*divergences(gone)))
    assert (task.total, task.vat, task.date, task.sale) == (SALE.total, SALE.vat, SEEN, SALE.sale)
    assert [(line.sale_line, line.quantity, line.amount) for line in task.lines] == [
        (1, Decimal(4), Decimal("60.00")),
        (2, Decimal(1), Decimal("30.00")),
        (3, Decimal(0), Decimal("10.00")),
    ]
    assert task.document["OperationType"] == RETURN
    assert task.document["Comments"] == "Order 1042 given up after its Sale, shop main"


NEW_SALE = settings(after_sale="credit-and-new-sale")


def booked(using: Settings = NEW_SALE) -> tuple[list[Event], SaleTask]:
    """An edited order with all events up to its second Sale."""
    events: list[Event] = [SALE, *divergences(EDITED)]
    note = recorded(credited(Consumer(refund_handlers.handlers(using)).take(*events)[KEY]))
    service = Consumer(order_handlers.handlers(using))
    service.take(*(link(each) for each in (311, 312)))
    [delivery] = service.take(EDITED, *events, note)[KEY].deliveries
    assert delivery.id == f"sale:{KEY}:1"
    return [*events, note], SaleTask.model_validate(delivery.payload)


def second_sale(task: SaleTask) -> SaleRecorded:
    return SaleRecorded(**sale_content(task), how="written", recorded_at=NOON)


@pytest.mark.claim("I11", "K7", "S3.34")
def test_by_policy_an_edited_order_is_credited_whole_and_sold_again_on_the_day_of_the_correction() -> None:
    events, task = booked()
    note = events[-1]
    assert isinstance(note, CreditNoteRecorded)
    assert (note.total, note.sale, note.sent["Comments"]) == (
        SALE.total,
        SALE.sale,
        "Order 1042 edited after its Sale, shop main",
    )
    assert (task.total, task.date, task.document["Date"]) == (EDITED.total, SEEN, f"{SEEN}T00:00:00")
    assert task.sale == task.document["uid"] != SALE.sale


def test_the_new_sale_settles_it_and_another_edit_is_another_round() -> None:
    events, task = booked()
    refunds = Consumer(refund_handlers.handlers(NEW_SALE))
    orders = Consumer(order_handlers.handlers(NEW_SALE))
    orders.take(link(311), link(312), EDITED)
    assert orders.take(*events, second_sale(task))[KEY] == NOTHING
    assert refunds.take(*events, second_sale(task))[KEY] == NOTHING
    again = EDITED.model_copy(update={"total": EDITED.total + 1})
    [second_event] = [one for one in orders.take(again)[KEY].announce if isinstance(one, SaleDiverged)]
    [delivery] = refunds.take(second_event)[KEY].deliveries
    second = CreditNoteTask.model_validate(delivery.payload)
    assert (delivery.id, second.sale, second.total) == (f"credit-note:{KEY}:-1", task.sale, EDITED.total)
    assert second.credit_note not in {one.credit_note for one in events if isinstance(one, CreditNoteRecorded)}


def test_a_refund_of_the_new_sale_takes_from_the_new_sale() -> None:
    events, task = booked()
    back = refund("15.00", given_back(TEA, "15.00", quantity="1"))
    decision = Consumer(refund_handlers.handlers(NEW_SALE)).take(*events, second_sale(task), back)[KEY]
    [delivery] = decision.deliveries
    made = CreditNoteTask.model_validate(delivery.payload)
    assert (made.sale, made.total, delivery.id) == (task.sale, Decimal("15.00"), f"credit-note:{KEY}:1051")


def test_an_edited_order_with_a_refund_is_only_reported() -> None:
    back = refund("15.00", given_back(1, "15.00", quantity="1"))
    decision = Consumer(refund_handlers.handlers(NEW_SALE)).take(SALE, back, *divergences(EDITED))[KEY]
    assert [each.id for each in decision.deliveries] == [f"credit-note:{KEY}:1051"]


def test_a_given_up_order_that_comes_back_is_sold_again() -> None:
    events = divergences(CANCELLED, BOUGHT)
    note = recorded(credited(Consumer(refund_handlers.handlers(NEW_SALE)).take(SALE, events[0])[KEY]))
    service = Consumer(order_handlers.handlers(NEW_SALE))
    service.take(link(311), link(312), CANCELLED, SALE)
    assert service.take(events[0], note)[KEY].deliveries == ()
    [delivery] = service.take(events[1], BOUGHT)[KEY].deliveries
    assert delivery.id == f"sale:{KEY}:1"
    assert not Consumer(refund_handlers.handlers(NEW_SALE)).take(SALE, *events, note)[KEY].refuse


@pytest.mark.claim("I2")
def test_the_days_before_and_of_an_edit_close_green() -> None:
    events, task = booked()
    sold = (EDITED, *events, second_sale(task))
    assert close_of(*sold, using=NEW_SALE).green
    day = close_of(*sold, date=SEEN, using=NEW_SALE)
    assert day.green
    assert [(total.kind, total.shop, total.books) for total in day.totals] == [
        ("order", EDITED.total, EDITED.total),
        ("refund", SALE.total, SALE.total),
    ]
    waiting = close_of(EDITED, *events, date=SEEN, using=NEW_SALE)
    assert [one.amount for one in waiting.differences] == [EDITED.total]


def test_what_was_refunded_before_is_not_credited_twice() -> None:
    back = refund("15.00", given_back(1, "15.00", quantity="1"))
    service = Consumer(refund_handlers.handlers(CREDIT))
    first = service.take(SALE, back)[KEY].deliveries[0]
    service.take(recorded(CreditNoteTask.model_validate(first.payload)))
    task = credited(service.take(*divergences(CANCELLED))[KEY])
    assert (task.total, task.lines[0].quantity) == (Decimal("85.00"), Decimal(3))
    assert task.vat + Decimal("2.29") == SALE.vat


def test_by_default_it_is_only_reported() -> None:
    assert decided(*divergences(CANCELLED), using=settings()) == NOTHING


@pytest.mark.parametrize(("then", "now"), [("credit", NEW_SALE), ("credit-and-new-sale", CREDIT), ("credit", CREDIT)])
def test_an_edited_order_is_only_reported_where_a_policy_credits_given_up_ones_alone(then: str, now: Settings) -> None:
    assert decided(*divergences(EDITED, policy=then), using=now) == NOTHING


@pytest.mark.parametrize("now", ["credit", "credit-and-new-sale"])
def test_a_policy_that_is_set_later_corrects_nothing_that_was_only_reported_before(now: str) -> None:
    assert decided(*divergences(CANCELLED, policy="report"), using=settings(after_sale=now)) == NOTHING


@pytest.mark.parametrize(
    ("locked", "date"), [("2026-02-28", SEEN), ("2026-03-20", "2026-03-21"), ("2026-03-31", "2026-04-01")]
)
def test_the_correction_is_dated_after_the_lock(locked: str, date: str) -> None:
    task = credited(decided(*divergences(CANCELLED), using=settings(after_sale="credit", locked_until=locked)))
    assert (task.date, task.document["Date"]) == (date, f"{date}T00:00:00")


def test_it_is_decided_once_and_an_order_that_comes_back_is_a_persons_business() -> None:
    service = Consumer(refund_handlers.handlers(CREDIT))
    there_and_back = divergences(CANCELLED, BOUGHT)
    task = credited(service.take(SALE, there_and_back[0])[KEY])
    assert service.take(recorded(task))[KEY] == NOTHING
    [refusal] = service.take(there_and_back[1])[KEY].refuse
    assert (refusal.reason, "delete that credit note" in refusal.detail) == (Reason.SALE_RESTORED, True)


def test_an_order_that_comes_back_before_the_note_was_written_takes_it_back() -> None:
    assert decided(*divergences(CANCELLED, BOUGHT)) == NOTHING


@pytest.mark.claim("I5", "S3.34")
def test_a_correction_waits_for_the_accountant_where_approval_is_asked() -> None:
    service = Consumer(refund_handlers.handlers(settings(after_sale="credit", approve_first=1)))
    waiting = service.take(SALE, *divergences(CANCELLED))[KEY]
    [question] = approvals_asked(waiting)
    assert "whole Sale taken back" in question.shape
    assert waiting.deliveries[0].blocked is not None
    assert credited(service.take(question, approval(question.document, shape=question.shape))[KEY]).total == SALE.total


async def test_on_the_engine_the_note_is_written_once(tmp_path: Path) -> None:
    books = FakeBooks()
    async with open_bench(tmp_path, refund_handlers.handlers(CREDIT)) as bench:
        for event in (SALE, *divergences(CANCELLED)):
            await bench.take(record(event))
        lanes = refund_deliveries.deliveries(books, Dialect(), lambda: NOON)
        await deliver_all(bench, lanes)
        await deliver_all(bench, lanes)
        [note] = [each.data for each in await bench.published()]
    assert isinstance(note, CreditNoteRecorded)
    assert (note.total, note.refund_id, books.puts("SalesCredit")) == (SALE.total, 0, 1)


@pytest.mark.claim("I2")
def test_the_days_of_the_sale_and_of_its_credit_note_close_green() -> None:
    note = recorded(credited(decided(*divergences(CANCELLED))))
    events = (BOUGHT, SALE, CANCELLED, note)
    assert close_of(*events).green
    back = close_of(*events, date=SEEN)
    assert (back.green, [total.books for total in back.totals]) == (True, [SALE.total])
    assert not close_of(BOUGHT, SALE, CANCELLED, note, BOUGHT, date=SEEN).green
