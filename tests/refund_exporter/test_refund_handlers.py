"""What refund-exporter decides, event by event: wait for the Sale, credit notes, plans, words to the accountant."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest

from contracts.ledger import CreditNotePlanned, SalePlanned
from contracts.operations import CommandSettled
from contracts.reasons import Reason
from contracts.shop import RefundIssued, RefundRemoved
from services.engine.outbox.decision import NOTHING, Decision
from services.refund_exporter.handlers import handlers
from services.refund_exporter.tasks import CreditNoteTask
from services.settings.model import Settings
from tests.refund_exporter.refund_bench import recorded_note
from tests.support.exporting import (
    KEY,
    ORDER,
    PAID,
    SHOP,
    given_back,
    line,
    order,
    push,
    recorded_sale,
    refund,
    sale_task,
    settings,
)
from tests.support.memory_state import NOON, Consumer

BOUGHT = order(line(1, "60.00", quantity="4"), line(2, "40.00", product=312))
PART = refund("15.00", given_back(1, "15.00", quantity="1"))


def consumer(using: Settings | None = None) -> Consumer:
    return Consumer(handlers(using or settings()))


def sold(using: Settings | None = None) -> Any:
    return recorded_sale(BOUGHT, using or settings())


def removed(issued: RefundIssued = PART) -> RefundRemoved:
    return RefundRemoved(shop=SHOP, order_id=ORDER, refund_id=issued.refund_id, observed_at=PAID)


def tasks_of(decision: Decision) -> list[CreditNoteTask]:
    assert all(each.blocked is None for each in decision.deliveries)
    return [CreditNoteTask.model_validate(each.payload) for each in decision.deliveries]


@pytest.mark.claim("S0.12", "S0.37")
def test_a_refund_of_a_recorded_sale_is_delivered_once() -> None:
    service = consumer()
    service.take(sold())
    decision = service.take(PART)[KEY]
    [delivery] = decision.deliveries
    assert (delivery.id, delivery.lane, delivery.key) == (f"credit-note:{KEY}:1051", "balance.documents", KEY)
    [task] = tasks_of(decision)
    assert task.total == Decimal("15.00")
    assert service.take(recorded_note(task))[KEY] == NOTHING
    assert service.take(PART)[KEY] == NOTHING


@pytest.mark.claim("K6")
def test_a_refund_waits_for_its_sale_and_goes_when_that_is_recorded() -> None:
    service = consumer()
    [waiting] = service.take(PART)[KEY].deliveries
    assert waiting.blocked is not None
    assert (waiting.blocked.on, waiting.blocked.reason) == (f"sale:{KEY}", Reason.REFUND_SALE_MISSING)
    [task] = tasks_of(service.take(sold())[KEY])
    assert task.sale == sold().sale
    assert service.state.released == [f"sale:{KEY}"]


def test_a_refund_whose_wait_became_a_dead_letter_goes_when_the_sale_is_recorded() -> None:
    service = consumer()
    service.take(PART)
    service.decisions.clear()  # the row is gone: its deadline has passed
    assert tasks_of(service.take(sold())[KEY])


def test_two_refunds_take_one_after_the_other_from_the_same_sale() -> None:
    service = consumer()
    service.take(sold())
    second = refund("90.00", refund_id=1052)
    [first] = tasks_of(service.take(PART, second)[KEY])
    assert service.decisions[KEY].refuse[0].reason is Reason.REFUND_ABOVE_SALE
    rest = refund("85.00", refund_id=1052)
    first, last = tasks_of(service.take(rest)[KEY])
    assert (first.total, last.total) == (Decimal("15.00"), Decimal("85.00"))
    assert first.credit_note != last.credit_note
    [again] = tasks_of(service.take(recorded_note(first))[KEY])
    assert again == last


def test_refunds_of_two_orders_do_not_meet() -> None:
    service = consumer()
    service.take(sold(), PART, PART.model_copy(update={"order_id": 1043, "refund_id": 1060}))
    assert len(tasks_of(service.again(KEY, NOON))) == 1
    [waiting] = service.again("main:1043", NOON).deliveries
    assert waiting.blocked is not None


# -- removed and changed refunds


@pytest.mark.claim("K6")
def test_a_refund_removed_before_its_note_makes_none_and_after_it_calls_the_accountant() -> None:
    service = consumer()
    service.take(sold())
    [task] = tasks_of(service.take(PART)[KEY])
    assert service.take(removed())[KEY] == NOTHING
    [refusal] = service.take(recorded_note(task))[KEY].refuse
    assert (refusal.reason, refusal.delivery.id) == (Reason.REFUND_REMOVED, f"credit-note-removed:{KEY}:1051")
    assert "0000009 over 15.00 is still in Balance: delete it there" in refusal.detail


def test_a_removed_refunds_note_holds_up_no_later_refund() -> None:
    service = consumer()
    [task] = tasks_of(service.take(sold(), PART)[KEY])
    service.take(recorded_note(task), removed())
    [whole] = tasks_of(service.take(refund("100.00", refund_id=1052))[KEY])
    assert whole.total == Decimal("100.00")


def test_a_refund_that_comes_back_under_its_id_is_as_if_it_was_never_gone() -> None:
    service = consumer()
    service.take(sold(), PART, removed(), PART)
    assert len(tasks_of(service.again(KEY, NOON))) == 1


def test_a_refund_changed_after_its_note_calls_the_accountant() -> None:
    service = consumer()
    [task] = tasks_of(service.take(sold(), PART)[KEY])
    service.take(recorded_note(task))
    [refusal] = service.take(PART.model_copy(update={"amount": Decimal("16.00")}))[KEY].refuse
    assert (refusal.reason, refusal.delivery.id) == (Reason.REFUND_AMOUNT_DIFFERS, f"credit-note-changed:{KEY}:1051")


# -- flows


@pytest.mark.parametrize("flow", ["off", "dry-run"])
def test_only_a_live_flow_delivers(flow: str) -> None:
    assert consumer(settings(flow)).take(sold(), PART)[KEY].deliveries == ()


@pytest.mark.claim("S0.34")
def test_dry_run_announces_the_whole_payload_once_even_against_a_planned_sale() -> None:
    service = consumer(settings("dry-run"))
    assert service.take(PART)[KEY] == NOTHING
    content = sale_task(BOUGHT, settings()).model_dump(exclude={"notes", "document"})
    plan = SalePlanned(**content, sent=sale_task(BOUGHT, settings()).document, planned_at=PAID)
    decision = service.take(plan)[KEY]
    [planned] = decision.announce
    assert isinstance(planned, CreditNotePlanned)
    assert decision.deliveries == ()
    assert (planned.total, planned.sent["BaseDocument"]) == (Decimal("15.00"), plan.sale)
    service.take(planned)
    assert service.again(KEY, NOON) == NOTHING


def test_a_live_flow_does_not_credit_a_planned_sale() -> None:
    service = consumer()
    content = sale_task(BOUGHT, settings()).model_dump(exclude={"notes", "document"})
    plan = SalePlanned(**content, sent=sale_task(BOUGHT, settings()).document, planned_at=PAID)
    [waiting] = service.take(PART, plan)[KEY].deliveries
    assert waiting.blocked is not None


def test_a_refund_that_cannot_be_credited_is_refused_in_dry_run_too() -> None:
    for flow in ("live", "dry-run"):
        [refusal] = consumer(settings(flow)).take(sold(), refund("100.01"))[KEY].refuse
        assert (refusal.delivery.id, refusal.reason) == (f"credit-note:{KEY}:1051", Reason.REFUND_ABOVE_SALE)


def test_a_cumulative_note_names_the_earlier_lines() -> None:
    using = settings(balance={"dialect": {"credit_notes": "cumulative"}})
    service = consumer(using)
    [first] = tasks_of(service.take(sold(using), PART)[KEY])
    service.take(recorded_note(first))
    [second] = tasks_of(service.take(refund("5.00", given_back(2, "5.00", quantity="1"), refund_id=1052))[KEY])
    assert (second.credit_note, second.document_total) == (first.credit_note, Decimal("20.00"))
    assert [row["Amount"] for row in second.document["Items"]] == ["15.00", "5.00"]


# -- pushes


@pytest.mark.parametrize(
    ("flow", "events", "asked", "outcome", "word"),
    [
        ("live", (), {"refund_id": 1051}, "refused", "number right"),
        ("live", (PART,), {"refund_id": 9}, "refused", "number right"),
        ("off", (PART,), {"refund_id": 1051}, "refused", '"off"'),
        ("live", (PART,), {"refund_id": 1051}, "done", "no Sale in Balance yet"),
        ("live", (sold(), PART), {"refund_id": 1051}, "done", "on its way"),
        ("live", (sold(), PART), {}, "done", "on its way"),
        ("dry-run", (sold(), PART), {"refund_id": 1051}, "done", "planned"),
        ("live", (sold(), refund("100.01")), {"refund_id": 1051}, "refused", "only 100.00 is left"),
    ],
)
def test_a_push_is_answered_once_with_its_result(
    flow: str, events: Any, asked: dict[str, int], outcome: str, word: str
) -> None:
    service = consumer(settings(flow))
    service.take(*events)
    announced = service.take(push("refund", **asked))[KEY].announce
    [answer] = [event for event in announced if isinstance(event, CommandSettled)]
    assert (answer.outcome, answer.service) == (outcome, "refund-exporter")
    assert word in answer.detail
    service.take(answer)
    assert not any(isinstance(event, CommandSettled) for event in service.again(KEY, NOON).announce)


def test_a_dry_push_in_a_live_flow_announces_the_plan_beside_the_delivery() -> None:
    service = consumer()
    service.take(sold(), PART)
    decision = service.take(push("refund", refund_id=1051, dry_run=True))[KEY]
    assert [type(event) for event in decision.announce] == [CreditNotePlanned, CommandSettled]
    assert len(tasks_of(decision)) == 1


def test_pushes_of_orders_are_not_this_services() -> None:
    assert consumer().take(push("order")) == {}


@pytest.mark.claim("K2")
@pytest.mark.parametrize("seed", range(10))
def test_events_in_any_order_and_repeated_come_to_the_same_note(seed: int) -> None:
    events = [sold(), PART]
    service = consumer()
    for event in random.Random(seed).choices(events, k=10) + random.Random(seed).sample(events, k=2):
        service.take(event)
    [task] = tasks_of(service.again(KEY, NOON))
    for event in random.Random(seed).sample([recorded_note(task), *events], k=3):
        service.take(event)
    assert service.again(KEY, NOON) == NOTHING
