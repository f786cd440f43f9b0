"""When an order becomes a Sale: statuses per payment method, paid, and the hold after that (claims S0.11, S1.1)."""

from __future__ import annotations

from datetime import datetime, timedelta

from contracts.order_statuses import CORE_STATUSES, REFUNDED, is_paid
from contracts.shop import OrderChanged
from services.accounting.documents.relations import role_of
from services.accounting.documents.ruling import document_of, hold_of
from services.settings.orders import OrderSettings

DEFAULT = "default"


def is_triggered(order: OrderChanged, settings: OrderSettings) -> bool:
    """Whether this order makes a Sale now, hold aside.

    A paid order that was refunded before its Sale was made still makes one: its money came in and went out again, and
    the refund's credit note needs the Sale. One that the rules hold, or only let reserve, makes none (claim S4.31).
    A part of another order makes none either: its parent's Sale holds it (claim K26).
    """
    return role_of(order, settings) != "part-of-parent" and is_asked_for(order, settings)


def is_asked_for(order: OrderChanged, settings: OrderSettings) -> bool:
    """Whether status and payment ask for a Sale, whatever the order's parent is."""
    if document_of(order, settings) != "sale":
        return False
    if order.status == REFUNDED:
        return order.paid_at is not None
    by_method = order.payment_method in settings.trigger
    paid = by_method or is_paid(order) or not settings.require_paid
    return paid and order.status in trigger_statuses(order, settings)


def trigger_statuses(order: OrderChanged, settings: OrderSettings) -> frozenset[str]:
    """The statuses that make a Sale of the order: those of its payment method, else those for all others."""
    default = settings.trigger.get(DEFAULT, ())
    return frozenset(settings.trigger.get(order.payment_method, default))


def due_at(order: OrderChanged, settings: OrderSettings) -> datetime:
    """When the hold ends: it starts when the order was completed or paid, else when it was placed."""
    moments = [moment for moment in (order.paid_at, order.completed_at) if moment is not None]
    return max(moments, default=order.created_at) + timedelta(seconds=hold_of(order, settings))


def is_due(order: OrderChanged, settings: OrderSettings, now: datetime) -> bool:
    """Whether a triggered order was held long enough. Without a hold, a shop clock ahead of ours holds nothing up."""
    return hold_of(order, settings) == 0 or due_at(order, settings) <= now


def is_stray(order: OrderChanged, settings: OrderSettings) -> bool:
    """Whether a paid order stands in a status that neither WooCommerce nor the settings know (claim K14)."""
    named = {status for statuses in settings.trigger.values() for status in statuses}
    known = CORE_STATUSES | named | set(settings.waiting_statuses)
    ruled = document_of(order, settings) != "sale"
    return order.paid_at is not None and order.status not in known and not ruled
