"""What else order-exporter decides: plans, divergence, refusals, pushes; and events in any order."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest

from contracts.ledger import SaleDiverged, SalePlanned, SaleRecorded
from contracts.operations import CommandSettled
from contracts.reasons import Reason
from contracts.shop import OrderRemoved
from services.engine.outbox.decision import NOTHING
from tests.order_exporter.export_bench import CLIENT, IDENTITY, bought, client_recorded, consumer, person, task_of
from tests.support.exporting import (
    KEY,
    ORDER,
    PAID,
    PLACED,
    SHOP,
    buyer,
    line,
    link,
    order,
    push,
    recorded_sale,
    settings,
)
from tests.support.memory_state import NOON

# -- dry-run


@pytest.mark.claim("S0.34")
def test_dry_run_announces_the_whole_payload_once_and_delivers_nothing() -> None:
    service = consumer(settings("dry-run"))
    decision = service.take(link(311), bought(**person()))[KEY]
    [plan] = decision.announce
    assert isinstance(plan, SalePlanned)
    assert decision.deliveries == ()
    assert (plan.total, plan.client, plan.sent["Items"][0]["Amount"]) == (Decimal("20.00"), IDENTITY, "20.00")
    service.take(plan)
    assert service.take(bought(**person(status="completed")))[KEY] == NOTHING
    [changed] = service.take(order(line(1, "21.00"), **person()))[KEY].announce
    assert isinstance(changed, SalePlanned)
    assert changed.total == Decimal("21.00")


def test_a_dry_run_reports_what_cannot_be_planned() -> None:
    service = consumer(settings("dry-run"))
    [waiting] = service.take(bought())[KEY].deliveries
    assert waiting.blocked is not None
    [plan] = service.take(link(311))[KEY].announce
    assert isinstance(plan, SalePlanned)
    [refusal] = service.take(order(line(1, "-5.00", kind="fee"), order_id=1043))["main:1043"].refuse
    assert refusal.reason is Reason.SALE_TOTAL_NEGATIVE


# -- after the Sale


@pytest.mark.claim("S3.32")
def test_an_edit_after_the_sale_is_reported_once_and_never_written() -> None:
    service = consumer()
    service.take(link(311), bought(), recorded_sale(bought(), settings()))
    edited = order(line(1, "30.00", quantity="3"))
    decision = service.take(edited)[KEY]
    [event] = decision.announce
    assert isinstance(event, SaleDiverged)
    assert (event.recorded_total, event.order_total, decision.deliveries) == (Decimal("20.00"), Decimal("30.00"), ())
    service.take(event)
    assert service.take(edited.model_copy(update={"status": "completed"}))[KEY] == NOTHING
    [again] = service.take(order(line(1, "31.00", quantity="3")))[KEY].announce
    assert isinstance(again, SaleDiverged)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"lines": (line(1, "20.00", quantity="4"),)}, "4 of product instead of 2"),
        ({"currency": "USD"}, "USD"),
        ({"status": "cancelled"}, "cancelled"),
    ],
)
def test_what_matters_to_the_books_diverges(change: dict[str, Any], word: str) -> None:
    service = consumer()
    service.take(link(311), bought(), recorded_sale(bought(), settings()))
    [event] = service.take(bought().model_copy(update=change))[KEY].announce
    assert isinstance(event, SaleDiverged)
    assert word in event.detail


@pytest.mark.parametrize(
    "change",
    [
        {"status": "completed", "completed_at": PAID},
        {"person": buyer(phone="+995599000009")},
        {"status": "refunded", "refund_ids": (1051,)},
        {"status": "cancelled", "refund_ids": (1051,)},
        {"total": Decimal("20.0")},
    ],
)
def test_what_does_not_matter_to_the_books_is_no_divergence(change: dict[str, Any]) -> None:
    service = consumer()
    service.take(link(311), bought(), recorded_sale(bought(), settings()))
    assert service.take(bought().model_copy(update=change))[KEY] == NOTHING


def test_an_order_removed_after_its_sale_is_reported_and_before_it_forgotten() -> None:
    removed = OrderRemoved(shop=SHOP, order_id=ORDER, observed_at=PAID)
    service = consumer()
    service.take(link(311), bought())
    assert service.take(removed)[KEY] == NOTHING
    service.take(bought(), recorded_sale(bought(), settings()))
    [event] = service.take(removed)[KEY].announce
    assert isinstance(event, SaleDiverged)
    assert "removed from the shop" in event.detail


# -- refusals


def test_a_refused_order_is_named_and_goes_when_it_is_corrected() -> None:
    service = consumer()
    [refusal] = service.take(link(311), bought(total=Decimal("25.00")))[KEY].refuse
    assert (refusal.delivery.id, refusal.reason) == (f"sale:{KEY}", Reason.SALE_TOTAL_DIFFERS)
    assert task_of(service.take(bought())[KEY]).total == Decimal("20.00")


@pytest.mark.claim("K14")
def test_a_paid_order_in_a_status_that_nobody_names_is_held_and_reported() -> None:
    service = consumer()
    [refusal] = service.take(link(311), bought(status="packed"))[KEY].refuse
    assert refusal.reason is Reason.SALE_STATUS_UNKNOWN
    assert "shops.main.orders.trigger" in refusal.detail
    assert service.take(bought())[KEY].refuse == ()


# -- pushes


@pytest.mark.claim("S3.33")
def test_pushing_an_order_again_after_its_sale_changes_nothing() -> None:
    service = consumer()
    service.take(link(311), bought(), recorded_sale(bought(), settings()))
    decision = service.take(push())[KEY]
    assert decision.deliveries == ()
    assert [type(event) for event in decision.announce] == [CommandSettled]


def test_a_push_goes_before_trigger_and_hold_and_is_answered_once() -> None:
    service = consumer(settings(hold=10**6))
    service.take(link(311), bought(status="on-hold", paid_at=None))
    decision = service.take(push())[KEY]
    assert task_of(decision).total == Decimal("20.00")
    [answer] = decision.announce
    assert isinstance(answer, CommandSettled)
    assert (answer.outcome, answer.service) == ("done", "order-exporter")
    service.take(answer)
    again = service.take(bought(status="on-hold", paid_at=None))[KEY]
    assert task_of(again).total == Decimal("20.00")
    assert again.announce == ()


def test_a_dry_push_only_plans() -> None:
    service = consumer()
    service.take(link(311), bought(status="on-hold", paid_at=None))
    decision = service.take(push(dry_run=True))[KEY]
    assert [type(event) for event in decision.announce] == [SalePlanned, CommandSettled]
    assert decision.deliveries == ()


@pytest.mark.parametrize(
    ("flow", "events", "outcome", "word"),
    [
        ("live", (), "refused", "number right"),
        ("off", (bought(),), "refused", '"off"'),
        ("dry-run", (link(311), bought()), "done", "planned"),
        ("live", (link(311), bought(status="cancelled")), "refused", "cancelled"),
        ("live", (bought(),), "done", "waits"),
        ("live", (link(311), bought(total=Decimal(-1), status="on-hold")), "refused", "total -1"),
    ],
)
def test_a_push_is_answered_with_its_result(flow: str, events: Any, outcome: str, word: str) -> None:
    service = consumer(settings(flow))
    service.take(*events)
    answers = [event for event in service.take(push())[KEY].announce if isinstance(event, CommandSettled)]
    assert [(each.outcome, word in each.detail) for each in answers] == [(outcome, True)]


# -- any order of events, any repetition


@pytest.mark.claim("K2")
@pytest.mark.parametrize("seed", range(20))
def test_events_in_any_order_and_repeated_come_to_the_same_sale(seed: int) -> None:
    events = [link(311), bought(**person()), client_recorded()]
    shuffled = random.Random(seed).choices(events, k=20) + random.Random(seed).sample(events, k=3)
    service = consumer()
    for event in shuffled:
        service.take(event)
    task = task_of(service.again(KEY, NOON))
    assert (task.sale, task.client, task.total) == (recorded_sale(bought(), settings()).sale, CLIENT, Decimal("20.00"))
    recorded = SaleRecorded.model_validate(recorded_sale(bought(), settings()).model_dump())
    for event in [recorded, *shuffled]:
        service.take(event)
    assert service.again(KEY, PLACED) == NOTHING
