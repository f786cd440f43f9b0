"""When an order becomes a Sale: statuses per payment method, payment and hold (claims S0.11, S1.1).

An order with a parent (claim K26) is either a part of its parent's purchase or an order of its own. Marketplaces split
a purchase into a parent, which keeps the whole, and one order per seller; deposits and renewals also name a parent, and
are sold on their own. Only `orders.sub-orders` can distinguish these: until it does, such an order is neither booked
nor reserved. The same rule holds for documents, stock and reports.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, Protocol

from contracts.delivery_ids import order_key
from contracts.order_statuses import CORE_STATUSES, REFUNDED, is_paid
from contracts.shop import OrderChanged
from services.accounting.documents.order_rules import document_of, hold_of
from services.settings.orders import OrderSettings

Role = Literal["whole", "part-of-parent", "own-order", "undecided"]


class HasParent(Protocol):
    """An order, whole or as a list shows it."""

    @property
    def parent_id(self) -> int: ...
    @property
    def created_via(self) -> str: ...


def role_of(order: HasParent, settings: OrderSettings) -> Role:
    """The role of the order: `whole` without a parent; else the setting for its `created_via`."""
    if not order.parent_id:
        return "whole"
    return settings.sub_orders.get(order.created_via) or settings.sub_orders.get(DEFAULT) or "undecided"


def is_own_purchase(order: HasParent, settings: OrderSettings) -> bool:
    """Whether the order has a Sale and stock reservation of its own: it has no parent, or the setting states it."""
    return role_of(order, settings) in ("whole", "own-order")


def parent_key(order: OrderChanged) -> str:
    """The key (`shop:order`) of the order's parent."""
    return order_key(order.shop, order.parent_id)


def is_covered(part: OrderChanged, parent: OrderChanged) -> bool:
    """Whether the parent contains this part: at least its total, and all its pieces of goods."""
    held = _pieces(parent)
    fits = all(held.get(product, Decimal(0)) >= count for product, count in _pieces(part).items())
    return fits and part.currency == parent.currency and part.total <= parent.total


def _pieces(order: OrderChanged) -> Mapping[int, Decimal]:
    pieces: dict[int, Decimal] = defaultdict(Decimal)
    for line in order.lines:
        if line.kind == "product" and (product := line.variation_id or line.product_id):
            pieces[product] += line.quantity
    return pieces


DEFAULT = "default"


def is_triggered(order: OrderChanged, settings: OrderSettings) -> bool:
    """Whether this order gets a Sale now, apart from its hold.

    A paid order that was refunded before its Sale existed still gets one: its money came in and went out again, and the
    refund's credit note needs the Sale. An order that the rules hold or only reserve gets none (claim S4.31), nor does
    a part of another order, which its parent's Sale contains (claim K26).
    """
    return role_of(order, settings) != "part-of-parent" and is_asked_for(order, settings)


def is_asked_for(order: OrderChanged, settings: OrderSettings) -> bool:
    """Whether status and payment require a Sale, whatever the order's parent is."""
    if document_of(order, settings) != "sale":
        return False
    if order.status == REFUNDED:
        return order.paid_at is not None
    by_method = order.payment_method in settings.trigger
    paid = by_method or is_paid(order) or not settings.require_paid
    return paid and order.status in trigger_statuses(order, settings)


def trigger_statuses(order: OrderChanged, settings: OrderSettings) -> frozenset[str]:
    """The statuses in which the order gets a Sale: those of its payment method, else the default ones."""
    default = settings.trigger.get(DEFAULT, ())
    return frozenset(settings.trigger.get(order.payment_method, default))


def due_at(order: OrderChanged, settings: OrderSettings) -> datetime:
    """When the hold ends; it starts when the order was completed or paid, else when it was placed."""
    moments = [moment for moment in (order.paid_at, order.completed_at) if moment is not None]
    return max(moments, default=order.created_at) + timedelta(seconds=hold_of(order, settings))


def is_due(order: OrderChanged, settings: OrderSettings, now: datetime) -> bool:
    """Whether the hold of a triggered order is over. Without a hold, a shop clock ahead of ours delays nothing."""
    return hold_of(order, settings) == 0 or due_at(order, settings) <= now


def has_unmapped_status(order: OrderChanged, settings: OrderSettings) -> bool:
    """Whether a paid order has a status that neither WooCommerce nor the settings know (claim K14)."""
    named = {status for statuses in settings.trigger.values() for status in statuses}
    known = CORE_STATUSES | named | set(settings.waiting_statuses)
    ruled = document_of(order, settings) != "sale"
    return order.paid_at is not None and order.status not in known and not ruled
