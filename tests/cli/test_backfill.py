"""A backfill finds what is missing in the topics or the books, and does not touch anything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from contracts.ledger import SaleRecorded
from contracts.model import Event
from contracts.operations import CommandSettled
from contracts.shop import OrderChanged, OrderRemoved, OrderUnreadable
from services.cli.backfill.app import StepOutcome
from services.cli.backfill.plan import BackfillPlan, BackfillStep, plan_backfill
from services.cli.day_close.shop_now import DayRange, ShopQuery
from services.settings.model import Settings
from tests.cli.day_events import NOW, USING, collect, open_dead_letter, recorded_credit_note, settled_dead_letter
from tests.cli.sample_shop import Json, ShopDouble, answered
from tests.support.exporting import KEY, ORDER, PAID, PLACED, SHOP, given_back, line, order, recorded_sale, refund
from tests.support.exporting import settings as given_settings

pytestmark = pytest.mark.claim("S3.44", "K19", "K32")
DAYS = DayRange(date(2026, 3, 1), date(2026, 3, 31))
BOUGHT = order(line(1, "118.00", quantity="2"))
SALE = recorded_sale(BOUGHT, USING)
BACK = refund("59.00", given_back(1, "59.00", quantity="1"))
NOTE = recorded_credit_note(BACK, BOUGHT)
REFUSED = open_dead_letter(f"sale:{KEY}", KEY)
PENDING = order(line(1, "118.00"), status="pending", paid_at=None)
OLD = order(line(1, "118.00"), created_at=PLACED - timedelta(days=90), paid_at=PLACED - timedelta(days=90))


async def plan(shop: Sequence[Json], *topics: Event, using: Settings = USING, days: DayRange = DAYS) -> BackfillPlan:
    known, rules = collect(*topics), using.shops[SHOP]
    answer = await ShopQuery(SHOP, ShopDouble(*shop), known.of_shop(SHOP), days, rules.orders).run()
    return plan_backfill(SHOP, answer, known, rules, NOW)


@dataclass(frozen=True)
class Case:
    """The content of shop and topics, and the expected steps: name, action, and a part of why."""

    shop: Sequence[Json]
    topics: Sequence[Event]
    steps: Sequence[tuple[str, str, str]]
    using: Settings = USING


def cases() -> dict[str, Case]:
    order_, refund_ = f"order {ORDER}", f"refund 1051 of order {ORDER}"
    unread = answered(BOUGHT) | {"total": "much"}
    held = given_settings(hold=90 * 86400.0)
    return {
        "a missing order": Case([answered(BOUGHT)], [], [(order_, "read", "it is not in the topics")]),
        "an order that is not due is missing in the topics": Case(
            [answered(PENDING)], [], [(order_, "read", "it is not in the topics")]
        ),
        "the topics have an older state": Case(
            [answered(BOUGHT)], [PENDING], [(order_, "read", "status: processing in the shop, pending in the topics")]
        ),
        "a refund is missing in the topics": Case(
            [answered(BOUGHT, BACK)], [BOUGHT, SALE], [(order_, "read", "refund 1051")]
        ),
        "an order is deleted in the shop only": Case(
            [], [BOUGHT], [(order_, "read", "it is deleted in the shop, but the topics still contain it")]
        ),
        "a due order without a Sale": Case([answered(BOUGHT)], [BOUGHT], [(order_, "push", "due")]),
        "a refund without a credit note": Case(
            [answered(BOUGHT, BACK)], [BOUGHT, SALE, BACK], [(refund_, "push", "due")]
        ),
        "a held order": Case([answered(BOUGHT)], [BOUGHT], [(order_, "none", "held: exported in")], held),
        "an order in a dry run": Case(
            [answered(BOUGHT)], [BOUGHT], [(order_, "none", "dry run: planned")], given_settings("dry-run")
        ),
        "an order with its dead letter": Case(
            [answered(BOUGHT)], [BOUGHT, open_dead_letter(f"sale:{KEY}", KEY)], [(order_, "none", "needs a person")]
        ),
        "an order that cannot be read": Case([unread], [], [(order_, "none", "total")]),
        "an older order that was refunded on these days": Case(
            [answered(OLD, BACK)], [], [(order_, "none", "davtari backfill orders --shop main --from 2025-12-01")]
        ),
    }


@pytest.mark.parametrize("case", cases().values(), ids=list(cases()))
async def test_what_is_missing_in_the_books_is_found_with_the_action(case: Case) -> None:
    found = await plan(case.shop, *case.topics, using=case.using)
    assert [(one.name, one.action) for one in found.steps] == [(name, action) for name, action, _ in case.steps]
    assert all(why in one.why for one, (*_, why) in zip(found.steps, case.steps, strict=True)), found.steps
    assert [one.stopped for one in found.steps] == [
        one.action == "none" and not one.why.startswith(("held", "due")) for one in found.steps
    ]


@pytest.mark.parametrize(
    ("shop", "topics", "booked", "not_due"),
    [
        ([answered(BOUGHT, BACK)], [BOUGHT, SALE, BACK, NOTE], 1, 0),
        ([answered(PENDING)], [PENDING], 0, 1),
        ([answered(BOUGHT, status="cancelled")], [BOUGHT.model_copy(update={"status": "cancelled"})], 0, 1),
        ([answered(OLD)], [], 0, 0),
        ([answered(BOUGHT)], [BOUGHT, REFUSED, settled_dead_letter(REFUSED, "discarded")], 0, 1),
        ([answered(BOUGHT, status="checkout-draft")], [], 0, 0),
    ],
    ids=["in the books", "not paid", "cancelled", "of other days", "discarded by a person", "a draft"],
)
async def test_orders_that_need_nothing_have_no_step(
    shop: Sequence[Json], topics: Sequence[Event], booked: int, not_due: int
) -> None:
    found = await plan(shop, *topics)
    assert (found.steps, found.booked, found.not_due) == ((), booked, not_due)


async def test_a_second_run_does_nothing() -> None:
    before = await plan([answered(BOUGHT, BACK)])
    [step] = before.sent
    assert step.documents == {f"sale:{KEY}", f"credit-note:{KEY}:1051"}
    after = await plan([answered(BOUGHT, BACK)], BOUGHT, BACK, SALE, NOTE)
    assert after.sent == []


def test_days_are_days_in_tbilisi() -> None:
    days = DayRange(date(2026, 11, 1), date(2026, 11, 30))
    assert (days.begin, days.end) == (datetime(2026, 10, 31, 20, tzinfo=UTC), datetime(2026, 11, 30, 20, tzinfo=UTC))
    assert days.end not in days and days.begin in days


# -- outcomes


def outcome(*events: Event) -> StepOutcome:
    """The outcome of a step that reads an order and expects its Sale, after these events."""
    found = StepOutcome({f"read:{KEY}", f"sale:{KEY}"})
    for event in events:
        found.apply(event)
    return found


def unreadable(reason: str) -> OrderUnreadable:
    """store-feed could not read the order."""
    return OrderUnreadable(shop=SHOP, order_id=ORDER, reason=reason, detail="why", observed_at=PAID)


GONE = OrderRemoved(shop=SHOP, order_id=ORDER, observed_at=PAID)
REFUSED = CommandSettled(command_id="c", service="order-exporter", outcome="refused", detail="no", settled_at=PAID)


@pytest.mark.parametrize(
    ("events", "pending", "failed"),
    [
        ((), 2, False),
        ((BOUGHT,), 1, False),
        ((BOUGHT, SALE), 0, False),
        ((GONE,), 0, False),
        ((unreadable("shop.order-missing"),), 0, False),
        ((unreadable("shop.order-invalid"),), 0, True),
        ((BOUGHT, open_dead_letter(f"sale:{KEY}", KEY)), 0, True),
        ((REFUSED,), 0, True),
        ((BACK,), 2, False),
    ],
    ids=[
        "no answer",
        "read",
        "booked",
        "deleted",
        "read again",
        "not readable",
        "dead letter",
        "refused",
        "something else",
    ],
)
def test_a_step_ends_with_its_documents_or_a_failure(
    events: Sequence[OrderChanged | SaleRecorded], pending: int, failed: bool
) -> None:
    found = outcome(*events)
    assert (len(found.pending), found.failed) == (pending, failed)
    assert bool(found.messages) == bool(events and events != (BACK,))


def test_steps_of_one_order_are_distinct() -> None:
    one = BackfillStep(KEY, "1042", "read", "why")
    assert (one.order_id, one.name, BackfillStep(KEY, "1042", "none", "why", 7).name) == (
        ORDER,
        "order 1042",
        "refund 7 of order 1042",
    )
