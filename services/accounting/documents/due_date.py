"""The date of a document in the books: the moment that made it due (rule 21), and closed periods.

A Sale is dated by what its trigger waited for: payment, completion, or a status. Cash on delivery that becomes a Sale
on completion is dated by its completion, although it was placed in another month and has no date of payment.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from contracts.order_statuses import COMPLETED, PAID_STATUSES, PROCESSING
from contracts.shop import OrderChanged
from services.accounting.documents.trigger import is_asked_for, trigger_statuses
from services.engine.clock import local_date
from services.settings.orders import OrderSettings

DATED = PAID_STATUSES
"""The statuses whose moment the shop states: `processing` comes with the payment, or with the placing of an order that
is paid on delivery (WooCommerce fact 74)."""
ON_DELIVERY = "cod"
TOGETHER = timedelta(minutes=5)
"""A payment on delivery this close to the completion was recorded by the completion itself."""


def due_moment(order: OrderChanged, settings: OrderSettings, status_since: datetime | None = None) -> datetime:
    """When the document became due; `status_since` is when the order was first seen in its status.

    An order that is not triggered yet (a person pushed it, or it only reserves) is dated by payment, completion or
    creation.
    """
    if not is_asked_for(order, settings):
        return order.paid_at or order.completed_at or order.created_at
    reached = _status_reached(order, settings) or status_since or order.modified_at
    return max(reached, _payment_needed(order, settings) or reached)


def possible_dates(order: OrderChanged, settings: OrderSettings) -> tuple[str, ...] | None:
    """The days on which the shop's own dates can have made the document due, the most likely first.

    None if its trigger waits for a status that the shop does not date: then only the Sale states the day.
    """
    if not DATED.issuperset(trigger_statuses(order, settings)):
        return None
    moments = (due_moment(order, settings), order.paid_at, order.completed_at, order.created_at)
    return tuple(dict.fromkeys(local_date(moment) for moment in moments if moment))


def _payment_needed(order: OrderChanged, settings: OrderSettings) -> datetime | None:
    """The payment date, if the trigger requires payment."""
    by_method = order.payment_method in settings.trigger
    return order.paid_at if settings.require_paid and not by_method else None


def _status_reached(order: OrderChanged, settings: OrderSettings) -> datetime | None:
    """When the first status of the trigger was reached; None if the shop does not state it."""
    statuses = trigger_statuses(order, settings)
    if PROCESSING in statuses and (order.paid_at or order.status in DATED):
        return order.created_at if _collected_later(order) else order.paid_at
    if COMPLETED in statuses and order.status not in statuses - {COMPLETED}:
        return order.completed_at or order.paid_at
    return None


def _collected_later(order: OrderChanged) -> bool:
    """Whether the order was in process before it was paid."""
    if order.paid_at is None or order.completed_at is None:
        return order.paid_at is None
    return order.payment_method == ON_DELIVERY and abs(order.completed_at - order.paid_at) <= TOGETHER


def is_closed(day: str, locked_until: date | None) -> bool:
    """Whether a day (`YYYY-MM-DD`) is the last closed one, or before it."""
    return locked_until is not None and date.fromisoformat(day) <= locked_until


def next_open_day(day: str, locked_until: date | None) -> str:
    """The day, or the first open one where it is closed: a correction changes no closed period."""
    if locked_until is None or not is_closed(day, locked_until):
        return day
    return (locked_until + timedelta(days=1)).isoformat()
