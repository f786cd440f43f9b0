"""Ids of the deliveries that make an order's documents.

Services write them into the outbox, dead letters (`about`) and approvals, where the command line looks them up.
"""

from __future__ import annotations


def order_key(shop: str, order_id: int | str) -> str:
    """The key of an order and of all events about it: `main:1042`."""
    return f"{shop}:{order_id}"


def refund_key(order: str, refund_id: int) -> str:
    """The key of a refund of the order with this key: `main:1042:1051`."""
    return f"{order}:{refund_id}"


def read_id(order: str) -> str:
    """The delivery that reads an order from the shop."""
    return f"read:{order}"


def client_id(order: str) -> str:
    """The delivery that finds or creates the client of an order."""
    return f"client:{order}"


def sale_id(order: str, revision: int = 0) -> str:
    """The delivery that writes the Sale of an order; `revision` counts the Sales that were reversed before it."""
    return f"sale:{order}:{revision}" if revision else f"sale:{order}"


def sales_order_id(order: str) -> str:
    """The delivery that writes the sales order of an order."""
    return f"sales-order:{order}"


def sales_order_end_id(order: str) -> str:
    """The delivery that ends the sales order of an order."""
    return f"sales-order-end:{order}"


def credit_note_id(refund: str) -> str:
    """The delivery that writes the credit note of a refund (by its key) or of a reversal."""
    return f"credit-note:{refund}"


def removed_credit_note_id(refund: str) -> str:
    """What a dead letter is about when a credit note has to be deleted: the refund is gone, or the order is back."""
    return f"credit-note-removed:{refund}"


def changed_credit_note_id(refund: str) -> str:
    """What a dead letter is about when a refund was changed after its credit note was recorded."""
    return f"credit-note-changed:{refund}"


def receipt_id(order: str, payment: str = "") -> str:
    """The delivery that writes the receipt of one payment; without `payment`: what concerns all of the order's."""
    return f"receipt:{order}:{payment}" if payment else f"receipt:{order}"


def note_id(order: str, marker: str) -> str:
    """The delivery that writes a note to an order; `marker` identifies the note."""
    return f"note:{order}:{marker}"


def status_id(order: str, booked: str) -> str:
    """The delivery that sets the status of an order; `booked` is the state of the order in the books."""
    return f"status:{order}:{booked}"


def decision_id(subject: str) -> str:
    """What a dead letter is about when the decision on a subject failed."""
    return f"decide:{subject}"
