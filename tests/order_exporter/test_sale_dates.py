"""A Sale is dated by the moment that made it due, in Tbilisi."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts.reasons import Reason
from services.accounting.documents.due_date import due_moment, possible_dates
from services.order_exporter.handlers import handlers
from services.settings.orders import OrderSettings
from tests.order_exporter.export_bench import task_of
from tests.support.exporting import KEY, line, link, order, settings
from tests.support.memory_state import Consumer

PLACED = datetime(2026, 10, 31, 15, 0, tzinfo=UTC)
PAID = datetime(2026, 11, 1, 10, 0, tzinfo=UTC)
COMPLETED = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
CHANGED = datetime(2026, 11, 18, 9, 5, tzinfo=UTC)
UNPAID: dict[str, Any] = {"paid_at": None}
DONE = {"status": "completed", "completed_at": COMPLETED}
COD: dict[str, Any] = {"payment_method": "cod"}
BOTH = {"cod": ["processing", "completed"]}


def bought(**fields: Any) -> Any:
    given = {"created_at": PLACED, "modified_at": CHANGED, "paid_at": PAID}
    return order(line(11, "100.00", quantity="2"), **given | fields)


@pytest.mark.parametrize(
    ("fields", "rules", "day"),
    [
        (COD | UNPAID | DONE, {}, "2026-11-02"),
        (COD | DONE | {"paid_at": PLACED}, {}, "2026-11-02"),
        (COD | DONE | {"paid_at": COMPLETED}, {}, "2026-11-02"),
        (COD | UNPAID | DONE | {"completed_at": None}, {}, "2026-11-18"),
        (COD | UNPAID, {"trigger": BOTH}, "2026-10-31"),
        (COD | DONE | {"paid_at": COMPLETED}, {"trigger": BOTH}, "2026-10-31"),
        ({}, {}, "2026-11-01"),
        (DONE, {}, "2026-11-01"),
        (DONE | {"paid_at": CHANGED}, {}, "2026-11-18"),
        (DONE, {"trigger": {"default": ["completed"]}}, "2026-11-02"),
        (DONE | {"paid_at": CHANGED}, {"trigger": {"default": ["completed"]}}, "2026-11-18"),
        ({"status": "refunded"}, {}, "2026-11-01"),
        (COD | {"status": "refunded", "completed_at": COMPLETED}, {}, "2026-11-02"),
        ({"status": "packed"}, {"trigger": {"default": ["packed"]}}, "2026-11-18"),
        ({"status": "packed"}, {"trigger": {"default": ["processing", "packed"]}}, "2026-11-01"),
        (UNPAID | {"status": "on-hold"}, {"trigger": {"bog": ["on-hold"]}}, "2026-11-18"),
        (UNPAID | {"total": "0", "lines": (line(11, "0.00"),)}, {}, "2026-10-31"),
        (UNPAID | DONE | {"total": "0", "lines": (line(11, "0.00"),)}, {"trigger": {"default": ["completed"]}},
         "2026-11-02"),
        ({"paid_at": datetime(2026, 10, 31, 21, 0, tzinfo=UTC)}, {}, "2026-11-01"),
    ],
    ids=[
        "cash on delivery, completed, no date of payment",
        "cash on delivery, paid before",
        "cash on delivery, paid on completion",
        "completed without any date",
        "cash on delivery at once",
        "cash on delivery at once, completed since",
        "paid",
        "paid, completed later",
        "completed, paid later",
        "paid, but sold on completion",
        "completed, but sold on payment after it",
        "refunded after its payment",
        "refunded after its delivery",
        "a plugin's status",
        "a plugin's status after the payment",
        "on hold",
        "free",
        "free, sold on completion",
        "paid after midnight in Tbilisi",
    ],
)  # fmt: skip
def test_a_sale_is_dated_by_the_moment_that_made_it_due(
    fields: dict[str, Any], rules: dict[str, Any], day: str
) -> None:
    service = Consumer(handlers(settings(**rules)))
    assert task_of(service.take(link(311), bought(**fields))[KEY]).date == day


def test_a_status_without_a_date_counts_from_when_it_was_first_seen() -> None:
    service = Consumer(handlers(settings(trigger={"default": ["packed"]})))
    service.take(link(311), bought(modified_at=PAID))
    service.take(bought(status="packed", modified_at=COMPLETED))
    assert task_of(service.take(bought(status="packed", modified_at=CHANGED))[KEY]).date == "2026-11-02"


def test_the_day_close_knows_every_day_that_the_shop_itself_can_mean() -> None:
    late = bought(**COD, **DONE)
    assert possible_dates(late, OrderSettings()) == ("2026-11-02", "2026-11-01", "2026-10-31")
    assert possible_dates(bought(status="packed"), OrderSettings(trigger={"default": ("packed",)})) is None


def test_an_order_that_a_person_pushes_before_its_trigger_is_dated_by_its_payment_or_placing() -> None:
    assert due_moment(bought(status="pending", paid_at=None), OrderSettings()) == PLACED
    assert due_moment(bought(status="on-hold"), OrderSettings()) == PAID


@pytest.mark.parametrize(
    ("fields", "locked", "reason", "message"),
    [
        ({"paid_at": datetime(2031, 1, 1, tzinfo=UTC)}, None, Reason.SALE_DATE_AHEAD, "after its own last change"),
        ({}, "2026-11-01", Reason.BALANCE_PERIOD_CLOSED, "shops.main.orders.locked-until = 2026-11-01"),
    ],
    ids=["a date that somebody typed", "a closed period"],
)
def test_a_day_that_cannot_be_booked_needs_a_person(
    fields: dict[str, Any], locked: str | None, reason: Reason, message: str
) -> None:
    using = settings(locked_until=date.fromisoformat(locked) if locked else None)
    [refusal] = Consumer(handlers(using)).take(link(311), bought(**fields))[KEY].refuse
    assert refusal.reason == reason
    assert message in refusal.detail


def test_the_day_after_the_closed_one_is_open() -> None:
    service = Consumer(handlers(settings(locked_until=date(2026, 10, 31))))
    assert task_of(service.take(link(311), bought())[KEY]).date == "2026-11-01"


def test_a_sales_order_is_in_no_period() -> None:
    rules = ({"status": "on-hold", "document": "sales-order"},)
    service = Consumer(handlers(settings(rules=rules, locked_until=date(2026, 11, 30))))
    [reserved] = service.take(link(311), bought(status="on-hold", paid_at=None))[KEY].deliveries
    assert (reserved.kind, reserved.payload["date"]) == ("sales-order", "2026-10-31")
