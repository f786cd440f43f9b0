"""Which sort of document a Sale is to the accountant: payment method, VAT rates, currency and client (claim I5)."""

from __future__ import annotations

from contracts.delivery_ids import sale_id
from contracts.shop import OrderChanged
from services.accounting.documents.approval import Candidate, vat_words
from services.order_exporter.tasks import SaleTask


def candidate(task: SaleTask, order: OrderChanged, client: str) -> Candidate:
    """The Sale as the gate sees it; `client` says how the buyer is known."""
    paid = order.payment_method or "no payment method"
    return Candidate(
        id=sale_id(order.key, task.revision),
        kind="sale",
        shop=order.shop,
        order_id=order.order_id,
        refund_id=None,
        shape=f"Sale · {paid} · {vat_words(task.lines)} · {task.currency} · {client}",
        total=task.total,
        currency=task.currency,
    )
