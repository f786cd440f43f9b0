"""The lane of refund-exporter: writing a credit note to Balance. The Sale itself is never written (claim S1.16)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from contracts.ledger import CreditNoteRecorded
from contracts.reasons import Reason
from services.refund_exporter.announce import note_content
from services.refund_exporter.handlers import LANE
from services.refund_exporter.tasks import CreditNoteTask
from services.shared.balance.documents import StoredDocument
from services.shared.delivery.lane import Deliver
from services.shared.delivery.outcome import Done, Outcome, Refused
from services.shared.delivery.row import Row
from services.shared.documents.booking import Booked, Document, Register, book
from services.shared.documents.read_back import Intent
from services.shared.settings.balance import Dialect


class Books(Protocol):
    """The credit notes of a Balance."""

    async def credit_note(self, uid: str) -> Mapping[str, Any] | None:
        """The credit note with this uid, or None."""

    async def put_credit_note(self, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Create or replace a credit note; the echo, if there is one."""


def deliveries(balance: Books, dialect: Dialect, clock: Callable[[], datetime]) -> Mapping[str, Deliver]:
    """The effect of each lane, by its name."""
    register = Register(balance.credit_note, balance.put_credit_note, dialect.credit_note_resource, dialect)

    async def deliver(rows: Sequence[Row]) -> Sequence[Outcome]:
        return await asyncio.gather(*(_deliver(row, register, clock) for row in rows))

    return {LANE: deliver}


async def _deliver(row: Row, register: Register, clock: Callable[[], datetime]) -> Outcome:
    task = CreditNoteTask.model_validate(row.payload)
    outcome = await book(_document(task), row, register)
    if isinstance(outcome, Refused):
        return _explained(outcome, task)
    return Done((_recorded(task, outcome, row, clock()),)) if isinstance(outcome, Booked) else outcome


def _document(task: CreditNoteTask) -> Document:
    intent = Intent(
        client=task.client,
        warehouse=task.document.get("Warehouse", ""),
        total=task.document_total,
        vat=task.document_vat,
        lines=task.document_lines,
        quantities=task.quantities,
        base=task.sale,
    )
    of_what = f"refund {task.refund_id} of " if task.refund_id > 0 else ""
    title = f"the credit note of {of_what}order {task.order_id} of shop {task.shop}"
    return Document(
        task.credit_note, title, task.document, intent, Reason.REFUND_NOT_AS_MEANT, replaces=task.cumulative
    )


def _explained(refused: Refused, task: CreditNoteTask) -> Refused:
    """API fact: some builds of Balance refuse a second credit note on one Sale."""
    if task.cumulative or refused.reason is not Reason.BALANCE_REFUSED:
        return refused
    hint = 'If this Balance takes one credit note per Sale only, set balance.dialect.credit-notes = "cumulative"'
    return replace(refused, detail=f"{refused.detail}. {hint}")


def _recorded(task: CreditNoteTask, booked: Booked, row: Row, now: datetime) -> CreditNoteRecorded:
    own = booked.comparison.lines[len(task.before) :]
    found = {
        "credit_note": booked.stored.uid,
        "total": sum(line.amount for line in own),
        "vat": sum(line.vat for line in own),
        "lines": own,
        "number": booked.stored.number,
        "how": booked.how,
        **_rate(task, booked.stored),
        "differences": (*task.notes, *booked.differences, *_own_uid(task, booked.stored)),
    }
    return CreditNoteRecorded(**note_content(task) | found, recorded_at=now, attempts=row.attempts)


def _rate(task: CreditNoteTask, stored: StoredDocument) -> dict[str, Any]:
    """The rate of another currency as Balance holds it, and whose it is (claim K23)."""
    if "Currency" not in task.document or stored.rate is None:
        return {}
    ours = stored.rate == task.currency_rate
    return {"currency_rate": stored.rate, "rate_source": task.rate_source if ours else "balance"}


def _own_uid(task: CreditNoteTask, stored: StoredDocument) -> tuple[str, ...]:
    if stored.uid == task.credit_note:
        return ()
    return (f"uid: Balance gave its own, {stored.uid}, instead of {task.credit_note}",)
