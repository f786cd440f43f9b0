"""What the accountant has to approve before a credit note goes."""

from __future__ import annotations

from collections.abc import Mapping

from contracts.approvals import ApprovalAsked
from contracts.ledger import is_reversal
from services.accounting.documents import approval
from services.accounting.documents.approval import Candidate
from services.accounting.documents.unbookable import Unbookable
from services.engine.outbox.outcome import Blocked
from services.refund_exporter.case import Case
from services.refund_exporter.shape import candidate
from services.refund_exporter.tasks import CreditNoteTask


def gate(case: Case, key: str, task: CreditNoteTask) -> Blocked | None:
    """What a credit note is blocked on; None when it may go.

    The shop's word that an order is gone reverses no Sale by itself: a person approves each such credit note.
    """
    one = _candidate(case, key, task)
    if one is None:
        return None
    if _is_of_removed(case, task):
        return approval.held_as_removal(one, case.state)
    return approval.held(one, case.shop.orders.approve_first, case.state)


def questions(case: Case, wanted: Mapping[str, CreditNoteTask | Unbookable]) -> list[ApprovalAsked]:
    """Questions about the credit notes that wait for an approval."""
    if not (case.is_live and case.is_sold):
        return []
    tasks = ((key, task) for key, task in wanted.items() if isinstance(task, CreditNoteTask) and gate(case, key, task))
    found = (_candidate(case, key, task) for key, task in tasks)
    return [question for one in found if one for question in approval.asked(one, case.state, case.state.now)]


def _candidate(case: Case, key: str, task: CreditNoteTask) -> Candidate | None:
    if case.basis is None:
        return None
    return candidate(task, case.refunds.get(key), case.basis, case.shop.orders, removed=_is_of_removed(case, task))


def _is_of_removed(case: Case, task: CreditNoteTask) -> bool:
    return is_reversal(task.refund_id) and case.diverged is not None and case.diverged.what == "removed"
