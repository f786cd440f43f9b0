"""Which credit notes the accountant has to approve first, and the shape by which they are grouped (claim I5)."""

from __future__ import annotations

from contracts.approvals import ApprovalAsked
from contracts.delivery_ids import credit_note_id, order_key, refund_key
from contracts.ledger import is_reversal
from contracts.shop import RefundIssued
from services.accounting.documents import approval
from services.accounting.documents.approval import ApprovalCandidate, describe_vat
from services.engine.outbox.outcome import Blocked
from services.refund_exporter.context import RefundContext, WantedNotes
from services.refund_exporter.sale_basis import SaleBasis
from services.refund_exporter.tasks import CreditNoteTask
from services.settings.orders import OrderSettings


def approval_block(context: RefundContext, key: str, task: CreditNoteTask) -> Blocked | None:
    """What a credit note is blocked on; None if it may be written.

    A removal in the shop reverses no Sale by itself: a person approves each such credit note.
    """
    candidate = _candidate(context, key, task)
    if candidate is None:
        return None
    if _is_of_removed_order(context, task):
        return approval.wait_for_removal_approval(candidate, context.state)
    return approval.wait_for_approval(candidate, context.shop.orders.approve_first, context.state)


def approval_questions(context: RefundContext, wanted: WantedNotes) -> list[ApprovalAsked]:
    """Questions about the credit notes that wait for an approval."""
    if not (context.is_live and context.is_sold):
        return []
    tasks = ((key, task) for key, task in wanted.items() if isinstance(task, CreditNoteTask))
    held = (_candidate(context, key, task) for key, task in tasks if approval_block(context, key, task))
    return [
        question for one in held if one for question in approval.ask_for_approval(one, context.state, context.state.now)
    ]


def _candidate(context: RefundContext, key: str, task: CreditNoteTask) -> ApprovalCandidate | None:
    if context.basis is None:
        return None
    removed = _is_of_removed_order(context, task)
    return approval_candidate(task, context.refunds.get(key), context.basis, context.shop.orders, removed=removed)


def _is_of_removed_order(context: RefundContext, task: CreditNoteTask) -> bool:
    return is_reversal(task.refund_id) and context.diverged is not None and context.diverged.what == "removed"


def approval_candidate(
    task: CreditNoteTask,
    refund: RefundIssued | None,
    basis: SaleBasis,
    settings: OrderSettings,
    *,
    removed: bool = False,
) -> ApprovalCandidate:
    """The credit note as the gate sees it; `removed`: the shop no longer has the order."""
    client = "retail client" if basis.client == settings.retail_client else "client by number"
    kind = "whole Sale of a removed order taken back" if removed else refund_kind(task, refund, basis)
    words = ("credit note", kind, describe_vat(task.lines), task.currency, client)
    return ApprovalCandidate(
        id=credit_note_id(refund_key(order_key(task.shop, task.order_id), task.refund_id)),
        kind="credit-note",
        shop=task.shop,
        order_id=task.order_id,
        refund_id=task.refund_id,
        shape=" · ".join(words),
        total=task.total,
        currency=task.currency,
    )


def refund_kind(task: CreditNoteTask, refund: RefundIssued | None, basis: SaleBasis) -> str:
    """What is given back: everything, goods, an amount, tax alone, or money on named lines.

    Without a refund the credit note is a reversal. These words group recorded approvals, so they never change.
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
