"""When an order becomes a Sale."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.accounting.documents import trigger
from services.settings.orders import OrderSettings
from tests.support.exporting import PAID, PLACED, line, order

DEFAULTS = OrderSettings()


@pytest.mark.claim("S0.11", "S1.1", "S3.36")
@pytest.mark.parametrize(
    ("fields", "makes_a_sale"),
    [
        ({"status": "processing"}, True),
        ({"status": "completed"}, True),
        ({"status": "processing", "paid_at": None}, False),
        ({"status": "on-hold", "paid_at": None}, False),
        ({"status": "pending", "paid_at": None}, False),
        ({"status": "cancelled"}, False),
        ({"status": "failed"}, False),
        ({"status": "checkout-draft"}, False),
        ({"status": "processing", "payment_method": "cod", "paid_at": None}, False),
        ({"status": "completed", "payment_method": "cod"}, True),
        ({"status": "completed", "payment_method": "cod", "paid_at": None}, True),
        ({"status": "refunded"}, True),
        ({"status": "refunded", "paid_at": None}, False),
    ],
)
def test_by_default_paid_orders_and_delivered_parcels_make_a_sale(fields: dict[str, Any], makes_a_sale: bool) -> None:
    assert trigger.is_triggered(order(line(1, "5.00"), **fields), DEFAULTS) is makes_a_sale


def test_a_free_order_owes_nothing_and_counts_as_paid() -> None:
    free = order(line(1, "0.00"), total=Decimal(0), paid_at=None)
    assert trigger.is_triggered(free, DEFAULTS)


def test_the_accountant_chooses_statuses_per_payment_method() -> None:
    rules = OrderSettings(trigger={"bacs": ("on-hold",), "default": ("completed",)}, require_paid=False)
    waiting = order(line(1, "5.00"), status="on-hold", paid_at=None)
    assert trigger.is_triggered(waiting.model_copy(update={"payment_method": "bacs"}), rules)
    assert not trigger.is_triggered(waiting, rules)
    assert trigger.is_triggered(waiting.model_copy(update={"status": "completed"}), rules)


def test_the_hold_starts_when_the_order_was_paid_or_completed() -> None:
    rules = OrderSettings(hold=600)
    paid = order(line(1, "5.00"))
    assert trigger.due_at(paid, rules) == PAID + timedelta(minutes=10)
    done = paid.model_copy(update={"completed_at": PAID + timedelta(days=2)})
    assert trigger.due_at(done, rules) == PAID + timedelta(days=2, minutes=10)
    placed = paid.model_copy(update={"paid_at": None})
    assert trigger.due_at(placed, rules) == PLACED + timedelta(minutes=10)
    assert not trigger.is_due(paid, rules, PAID + timedelta(minutes=9))
    assert trigger.is_due(paid, rules, PAID + timedelta(minutes=10))


def test_without_a_hold_a_shop_whose_clock_is_ahead_holds_nothing_up() -> None:
    assert trigger.is_due(order(line(1, "5.00")), DEFAULTS, PAID - timedelta(minutes=5))


def test_a_paid_order_in_a_plugins_status_is_a_stray_until_the_settings_name_it() -> None:
    packed = order(line(1, "5.00"), status="packed")
    assert trigger.has_unmapped_status(packed, DEFAULTS)
    assert not trigger.has_unmapped_status(packed, OrderSettings(waiting_statuses=("packed",)))
    assert not trigger.has_unmapped_status(packed, OrderSettings(trigger={"default": ("packed",)}))
    assert not trigger.has_unmapped_status(packed.model_copy(update={"paid_at": None}), DEFAULTS)
    assert not trigger.has_unmapped_status(order(line(1, "5.00"), status="on-hold"), DEFAULTS)
