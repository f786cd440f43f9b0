"""Which sort of document a Sale is to the accountant: payment method, VAT rates, currency and client (claim I5)."""

from __future__ import annotations

from contracts.shop import OrderChanged
from services.order_exporter.client import identity_of
from services.order_exporter.tasks import SaleTask
from services.shared.documents.approval import Candidate, vat_words


def candidate(task: SaleTask, order: OrderChanged) -> Candidate:
    """The Sale as the gate sees it."""
    identity = identity_of(order.person)
    client = f"{identity.kind} by number" if identity else "retail client"
    paid = order.payment_method or "no payment method"
    return Candidate(
        id=f"sale:{order.key}:{task.revision}" if task.revision else f"sale:{order.key}",
        kind="sale",
        shop=order.shop,
        order_id=order.order_id,
        refund_id=None,
        shape=f"Sale · {paid} · {vat_words(task.lines)} · {task.currency} · {client}",
        total=task.total,
        currency=task.currency,
    )
