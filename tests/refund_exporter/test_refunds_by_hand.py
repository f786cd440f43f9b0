"""Refunds whose credit notes the accountant makes by hand: none is written, each is planned and stays listed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from contracts.ledger import CreditNotePlanned, SaleDiverged
from contracts.operations import CommandSettled
from services.engine.outbox.decision import NOTHING
from services.refund_exporter.handlers import handlers
from services.settings.model import Settings
from tests.cli.day_events import REFUND_DAY, close_of
from tests.support.exporting import KEY, SHOP, given_back, line, order, push, recorded_sale, refund, settings
from tests.support.memory_state import Consumer

BOUGHT = order(line(1, "60.00", quantity="4"))
PART = refund("15.00", given_back(1, "15.00", quantity="1"))


def by_hand(flow: str = "live", **orders: Any) -> Settings:
    """Settings whose refunds are left to people."""
    using = settings(flow, **orders).model_dump()
    using["shops"][SHOP]["refunds"] = {"policy": "manual"}
    return Settings.model_validate(using)


def sold(using: Settings) -> Consumer:
    service = Consumer(handlers(using))
    service.take(recorded_sale(BOUGHT, settings()))
    return service


@pytest.mark.claim("S3.35")
def test_without_another_word_a_refund_becomes_a_credit_note_by_itself() -> None:
    [delivery] = sold(settings()).take(PART)[KEY].deliveries
    assert (delivery.kind, delivery.blocked, delivery.payload["total"]) == ("credit-note", None, "15.00")


@pytest.mark.claim("S2.11", "S3.35")
def test_by_hand_nothing_is_written_and_the_note_is_planned_whole_and_once() -> None:
    service = sold(by_hand())
    decision = service.take(PART)[KEY]
    assert (decision.deliveries, decision.refuse) == ((), ())
    [plan] = decision.announce
    assert isinstance(plan, CreditNotePlanned)
    assert (plan.total, plan.refund_id, bool(plan.sent["Items"])) == (Decimal("15.00"), PART.refund_id, True)
    service.take(plan)
    assert service.take(PART)[KEY] == NOTHING


@pytest.mark.claim("S2.11")
def test_by_hand_makes_no_dead_letter_even_if_no_note_is_possible() -> None:
    decision = sold(by_hand()).take(refund("900.00"))[KEY]
    assert decision == NOTHING


@pytest.mark.claim("S2.11")
def test_by_hand_a_push_reports_that_people_make_the_note_and_a_dry_one_plans_it() -> None:
    service = sold(by_hand())
    service.take(PART)
    asked = {"document": "refund", "refund_id": PART.refund_id}
    [reply] = [e for e in service.take(push(**asked))[KEY].announce if isinstance(e, CommandSettled)]
    assert (reply.outcome, "make the credit note by hand" in reply.detail) == ("refused", True)
    service.take(reply)
    dry = service.take(push(**asked, dry_run=True, command_id="push-2"))[KEY].announce
    [planned] = [e for e in dry if isinstance(e, CommandSettled)]
    assert (planned.outcome, "planned; nothing is written" in planned.detail) == ("done", True)


@pytest.mark.claim("S2.11")
def test_by_hand_an_order_given_up_after_its_sale_gets_no_credit_note_either() -> None:
    using = by_hand(after_sale="credit")
    sale = recorded_sale(BOUGHT, settings())
    diverged = SaleDiverged(
        shop=SHOP,
        order_id=sale.order_id,
        sale=sale.sale,
        recorded_total=sale.total,
        order_total=sale.total,
        order_version=2,
        detail="cancelled",
        what="given-up",
        policy="credit",
        content_digest="other",
        observed_at=sale.recorded_at,
    )
    assert sold(using).take(diverged)[KEY].deliveries == ()


@pytest.mark.claim("S2.11")
def test_by_hand_the_day_is_not_green_and_lists_the_refund_with_the_way_to_its_plan() -> None:
    close = close_of(BOUGHT, recorded_sale(BOUGHT, settings()), PART, date=REFUND_DAY, using=by_hand())
    [one] = close.differences
    assert (close.green, one.kind, one.refund_id, one.amount) == (False, "refund", PART.refund_id, Decimal("15.00"))
    assert "create its credit note in Balance by hand" in one.cause
    assert "davtari order 1042 --shop main --documents" in one.cause
