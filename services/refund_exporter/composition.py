"""From a credit note to the documents that Balance gets: a note for each refund, or one cumulative note per Sale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from contracts.ledger import CreditNoteRecorded, DocumentPart, RecordedLine
from contracts.shop import RefundIssued
from services.accounting.documents.ids import credit_note_uid, cumulative_note_uid, part_uid, return_uid, reversal_uid
from services.refund_exporter.credit_document import (
    NoteHeader,
    brings_goods_back,
    credit_document,
    document_quantity,
    note_rate,
    to_document_lines,
)
from services.refund_exporter.credit_note import CreditNote
from services.refund_exporter.refund import refund_digest
from services.refund_exporter.return_note import ReturnCredit
from services.refund_exporter.reversal import Reversal
from services.refund_exporter.sale_basis import SaleBasis
from services.refund_exporter.tasks import CreditNoteTask
from services.settings.balance import BalanceSettings
from services.settings.orders import OrderSettings

CreditReason = RefundIssued | Reversal | ReturnCredit
"""What a credit note is made for."""


@dataclass(frozen=True, slots=True)
class EarlierNote:
    """A credit note on the same Sale that precedes this one, recorded or wanted."""

    refund_id: int
    date: str
    lines: tuple[RecordedLine, ...]


def as_earlier(note: CreditNoteRecorded | CreditNoteTask) -> EarlierNote:
    """A recorded or wanted credit note as one that precedes the next."""
    return EarlierNote(note.refund_id, note.date, note.lines)


def compose_task(
    reason: CreditReason,
    note: CreditNote,
    basis: SaleBasis,
    earlier: Sequence[EarlierNote],
    settings: OrderSettings,
    balance: BalanceSettings,
) -> CreditNoteTask:
    """The credit note as a task. Raises `Unbookable` if the document cannot contain it."""
    cumulative = balance.dialect.credit_notes == "cumulative"
    included = earlier if cumulative else ()
    before, own = _document_lines(note, included, settings, reason.shop)
    rate, source = note_rate(basis, settings, balance)
    header = replace(_header(reason, note, included, basis, balance), rate=rate)
    parts = _split_documents((*before, *own), header)
    return CreditNoteTask(
        shop=reason.shop,
        order_id=reason.order_id,
        refund_id=reason.refund_id,
        credit_note=parts[0].document if parts else header.uid,
        sale=basis.sale,
        client=basis.client,
        date=note.date,
        currency=basis.currency,
        total=note.total,
        vat=note.vat,
        lines=own,
        before=before,
        quantities=tuple(document_quantity(line, basis) for line in (*before, *own)),
        content_digest=refund_digest(reason) if isinstance(reason, RefundIssued) else reason.digest,
        notes=note.notes,
        document=parts[0].sent if parts else credit_document((*before, *own), header),
        parts=parts,
        cumulative=cumulative,
        currency_rate=rate,
        rate_source=source,
    )


def _header(
    reason: CreditReason,
    note: CreditNote,
    included: Sequence[EarlierNote],
    basis: SaleBasis,
    balance: BalanceSettings,
) -> NoteHeader:
    """A cumulative note keeps the date of its first refund, so that rewriting it does not move it to another period."""
    cumulative_uid = cumulative_note_uid(reason.shop, reason.order_id)
    return NoteHeader(
        uid=cumulative_uid if balance.dialect.credit_notes == "cumulative" else _note_uid(reason),
        date=min([note.date, *(other.date for other in included)]),
        comment=_comment(reason, included, basis),
        basis=basis,
        lists=balance.dialect.lists,
    )


def _note_uid(reason: CreditReason) -> str:
    if isinstance(reason, Reversal):
        return reversal_uid(reason.shop, reason.order_id, reason.revision)
    if isinstance(reason, ReturnCredit):
        return return_uid(reason.shop, reason.order_id, reason.request)
    return credit_note_uid(reason.shop, reason.refund_id)


def _document_lines(
    note: CreditNote, included: Sequence[EarlierNote], settings: OrderSettings, shop: str
) -> tuple[tuple[RecordedLine, ...], tuple[RecordedLine, ...]]:
    before = tuple(line for other in included for line in other.lines)
    is_return = brings_goods_back([*before, *note.lines])
    return (
        to_document_lines(before, is_return, settings.amount_item, shop),
        to_document_lines(note.lines, is_return, settings.amount_item, shop),
    )


def _comment(reason: CreditReason, included: Sequence[EarlierNote], basis: SaleBasis) -> str:
    order = basis.header.get("PrimaryDocument", reason.order_id)
    if isinstance(reason, ReturnCredit):
        return f"Return request {reason.request} of order {order}, shop {reason.shop}"
    if isinstance(reason, Reversal):
        return f"Order {order} {'edited' if reason.edited else 'given up'} after its Sale, shop {reason.shop}"
    ids = ", ".join(str(id_) for id_ in sorted([*(other.refund_id for other in included), reason.refund_id]))
    return f"Refund {ids} of order {order}, shop {reason.shop}"


def _split_documents(lines: Sequence[RecordedLine], header: NoteHeader) -> tuple[DocumentPart, ...]:
    """One credit document for each document of the Sale that it credits, bound to that one (claim S3.37).

    Empty if the Sale is one document. An amount on no line of the Sale belongs to the Sale's first document.
    """
    positions: dict[str, list[int]] = {part.document: [] for part in header.basis.parts}
    for position, line in enumerate(lines, start=1):
        if positions:
            positions[_sale_document(line, header.basis)].append(position)
    by_document = {part.document: part for part in header.basis.parts}
    return tuple(_part(by_document[sale], own, lines, header) for sale, own in positions.items() if own)


def _sale_document(line: RecordedLine, basis: SaleBasis) -> str:
    return basis.lines[line.sale_line - 1].document if line.sale_line else basis.parts[0].document


def _part(
    credited: DocumentPart, positions: Sequence[int], lines: Sequence[RecordedLine], header: NoteHeader
) -> DocumentPart:
    own = [lines[position - 1] for position in positions]
    uid = header.uid if credited.document == header.basis.sale else part_uid(header.uid, credited.document)
    part_header = replace(header, uid=uid, basis=header.basis.of_part(credited))
    return DocumentPart(
        document=uid,
        warehouse=credited.warehouse,
        base=credited.document,
        total=sum((line.amount for line in own), Decimal(0)),
        positions=tuple(positions),
        sent=credit_document(own, part_header),
    )
