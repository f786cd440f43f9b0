"""WooCommerce's order statuses, and what they mean to every service."""

from __future__ import annotations

from contracts.shop import OrderChanged

PENDING, PROCESSING, ON_HOLD, COMPLETED = "pending", "processing", "on-hold", "completed"
CANCELLED, FAILED, REFUNDED, TRASH = "cancelled", "failed", "refunded", "trash"

DRAFT_STATUSES = frozenset({"checkout-draft", "auto-draft"})
"""The order is not placed yet."""
UNPLACED_STATUSES = DRAFT_STATUSES | {TRASH}
"""The shop does not show it as an order: not placed yet, or in the trash."""
PAID_STATUSES = frozenset({PROCESSING, COMPLETED})
"""WooCommerce counts an order in these statuses as paid, and keeps the date of each."""
STOCK_REDUCING_STATUSES = PAID_STATUSES | {ON_HOLD}
"""In these statuses WooCommerce takes the goods of an order off its stock."""
VOID_STATUSES = frozenset({CANCELLED, FAILED})
"""The order was given up."""
ENDED_STATUSES = VOID_STATUSES | {REFUNDED, TRASH}
"""No order leaves these statuses by itself."""
CORE_STATUSES = UNPLACED_STATUSES | VOID_STATUSES | {PENDING, PROCESSING, ON_HOLD, COMPLETED, REFUNDED}
"""WooCommerce's own statuses; plugins add others."""


def is_void(order: OrderChanged) -> bool:
    """Whether the order was given up. An order with refunds is not void: its refunds say what was given back."""
    return order.status in VOID_STATUSES and not order.refund_ids


def is_paid(order: OrderChanged) -> bool:
    """Whether the shop has been paid. A free order owes nothing, and may have no date of payment."""
    return order.paid_at is not None or order.total == 0
