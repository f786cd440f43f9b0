"""Writing credit notes to Balance. The Sale itself is never changed (claim S1.16)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from contracts.ledger import CreditNoteRecorded, DocumentPart, is_reversal
from contracts.reasons import Reason
from services.accounting.documents.booking import (
    BookedDocument,
    DocumentRegister,
    DocumentWrite,
    merge_lines,
    select_part,
    to_recorded_parts,
    write_documents,
)
from services.accounting.documents.comparison import DocumentIntent
from services.connectors.balance.documents import StoredDocument
from services.engine.outbox.lane import Deliver, Row
from services.engine.outbox.outcome import Done, Outcome, Refused
from services.refund_exporter.handlers import LANE
from services.refund_exporter.tasks import CreditNoteTask, note_content
from services.settings.balance import Dialect


class CreditNotes(Protocol):
    """The credit notes of a Balance company."""

    async def credit_note(self, uid: str) -> Mapping[str, Any] | None:
        """The credit note with this uid, or None."""

    async def put_credit_note(self, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Create or replace a credit note; returns the echo, if there is one."""


def deliveries(balance: CreditNotes, dialect: Dialect, clock: Callable[[], datetime]) -> Mapping[str, Deliver]:
    """The effect of each lane, by its name."""
    register = DocumentRegister(balance.credit_note, balance.put_credit_note, dialect.credit_note_resource, dialect)

    async def deliver(rows: Sequence[Row]) -> Sequence[Outcome]:
        return await asyncio.gather(*(_deliver(row, register, clock) for row in rows))

    return {LANE: deliver}


async def _deliver(row: Row, register: DocumentRegister, clock: Callable[[], datetime]) -> Outcome:
    task = CreditNoteTask.model_validate(row.payload)
    outcome = await write_documents(_documents(task), row, register)
    if isinstance(outcome, list):
        return Done((_credit_note_recorded(task, outcome, row, clock()),))
    return _add_hint(outcome, task) if isinstance(outcome, Refused) else outcome


def _documents(task: CreditNoteTask) -> list[DocumentWrite]:
    """One document, or one for each document of the Sale that the note credits."""
    refund = "" if is_reversal(task.refund_id) else f"refund {task.refund_id} of "
    title = f"the credit note of {refund}order {task.order_id} of shop {task.shop}"
    if not task.parts:
        return [_document(task, title, _only_part(task))]
    return [
        _document(task, f"{title} ({number} of {len(task.parts)})", part)
        for number, part in enumerate(task.parts, start=1)
    ]


def _only_part(task: CreditNoteTask) -> DocumentPart:
    """A credit note of one document as its only part."""
    return DocumentPart(
        document=task.credit_note,
        warehouse=task.document.get("Warehouse", ""),
        base=task.sale,
        total=task.document_total,
        positions=tuple(range(1, len(task.document_lines) + 1)),
        sent=task.document,
    )


def _document(task: CreditNoteTask, title: str, part: DocumentPart) -> DocumentWrite:
    lines = select_part(part, task.document_lines)
    intent = DocumentIntent(
        client=task.client,
        warehouse=part.warehouse,
        total=part.total,
        vat=sum((line.vat for line in lines), Decimal(0)),
        lines=lines,
        quantities=select_part(part, task.quantities),
        base=part.base,
    )
    mismatch, strict = Reason.REFUND_NOT_AS_MEANT, bool(task.parts)
    return DocumentWrite(part.document, title, part.sent, intent, mismatch, replaces=task.cumulative, strict=strict)


def _add_hint(refused: Refused, task: CreditNoteTask) -> Refused:
    """Some builds of Balance refuse a second credit note on one Sale (Balance fact 40)."""
    if task.cumulative or refused.reason is not Reason.BALANCE_REFUSED:
        return refused
    hint = 'If Balance accepts only one credit note per Sale, set balance.dialect.credit-notes = "cumulative"'
    return replace(refused, detail=f"{refused.detail}. {hint}")


def _credit_note_recorded(
    task: CreditNoteTask, booked: Sequence[BookedDocument], row: Row, now: datetime
) -> CreditNoteRecorded:
    parts = task.parts or (_only_part(task),)
    own = merge_lines(parts, booked, task.document_lines)[len(task.before) :]
    first = booked[0].stored
    stored = {
        "credit_note": first.uid,
        "total": sum(line.amount for line in own),
        "vat": sum(line.vat for line in own),
        "lines": own,
        "parts": to_recorded_parts(task.parts, booked) if task.parts else (),
        "number": first.number,
        "how": booked[0].how,
        "differences": (*task.notes, *_differences(booked), *_uid_difference(task, first)),
        **_rate(task, first),
    }
    return CreditNoteRecorded(**note_content(task) | stored, recorded_at=now, attempts=row.attempts)


def _rate(task: CreditNoteTask, stored: StoredDocument) -> dict[str, Any]:
    """The exchange rate in Balance, and who stated it (claim K23)."""
    if "Currency" not in task.document or stored.rate is None:
        return {}
    ours = stored.rate == task.currency_rate
    return {"currency_rate": stored.rate, "rate_source": task.rate_source if ours else "balance"}


def _differences(booked: Sequence[BookedDocument]) -> tuple[str, ...]:
    return tuple(difference for one in booked for difference in one.differences)


def _uid_difference(task: CreditNoteTask, stored: StoredDocument) -> tuple[str, ...]:
    if stored.uid == task.credit_note:
        return ()
    return (f"uid: Balance assigned {stored.uid} instead of {task.credit_note}",)
