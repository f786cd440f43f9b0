"""Which sort of document a credit note is to the accountant: kind of refund, VAT rates, currency, client (claim I5)."""

from __future__ import annotations

from contracts.delivery_ids import credit_note_id, order_key, refund_key
from contracts.shop import RefundIssued
from services.accounting.documents.approval import Candidate, vat_words
from services.refund_exporter.basis import Basis
from services.refund_exporter.tasks import CreditNoteTask
from services.settings.orders import OrderSettings


def candidate(
    task: CreditNoteTask, refund: RefundIssued | None, basis: Basis, settings: OrderSettings, *, removed: bool = False
) -> Candidate:
    """The credit note as the gate sees it; `removed`: the shop no longer has the order."""
    client = "retail client" if basis.client == settings.retail_client else "client by number"
    kind = "whole Sale of a removed order taken back" if removed else refund_kind(task, refund, basis)
    words = ("credit note", kind, vat_words(task.lines), task.currency, client)
    return Candidate(
        id=credit_note_id(refund_key(order_key(task.shop, task.order_id), task.refund_id)),
        kind="credit-note",
        shop=task.shop,
        order_id=task.order_id,
        refund_id=task.refund_id,
        shape=" · ".join(words),
        total=task.total,
        currency=task.currency,
    )


def refund_kind(task: CreditNoteTask, refund: RefundIssued | None, basis: Basis) -> str:
    """What is given back: all, goods, an amount, tax alone, or money on the lines that it names.

    Without a refund the order was given up, or edited, after its Sale.
    """
    if refund is None:
        return "whole Sale taken back"
    if task.total == basis.total:
        return "all of it"
    if not refund.lines:
        return "an amount"
    if any(line.kind == "product" and line.quantity for line in task.lines):
        return "goods"
    if not any(line.total for line in refund.lines):
        return "tax alone"
    return f"money on {' and '.join(sorted({line.kind for line in task.lines}))}"
