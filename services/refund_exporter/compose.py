"""From a refund's credit note to the document that Balance gets: a note of its own, or one note for all refunds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from contracts.ledger import CreditNoteRecorded, RecordedLine
from contracts.shop import RefundIssued
from services.accounting.documents.uids import credit_note_uid, cumulative_note_uid, return_uid, reversal_uid
from services.refund_exporter.basis import Basis
from services.refund_exporter.content import refund_digest
from services.refund_exporter.credit_document import (
    Wording,
    as_written,
    brings_goods_back,
    credit_document,
    document_quantity,
)
from services.refund_exporter.credit_note import CreditNote
from services.refund_exporter.currency import note_rate
from services.refund_exporter.returns.plan import Return
from services.refund_exporter.reversal import Reversal
from services.refund_exporter.splitting import parts_of
from services.refund_exporter.tasks import CreditNoteTask
from services.settings.balance import BalanceSettings
from services.settings.orders import OrderSettings

Credited = RefundIssued | Reversal | Return
"""What a credit note is made for."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A credit note on the same Sale that was made before this one, or will be."""

    refund_id: int
    date: str
    lines: tuple[RecordedLine, ...]


def earlier_of(note: CreditNoteRecorded | CreditNoteTask) -> Earlier:
    """A recorded or intended credit note as one that came before."""
    return Earlier(note.refund_id, note.date, note.lines)


def compose(
    refund: Credited,
    note: CreditNote,
    basis: Basis,
    earlier: Sequence[Earlier],
    settings: OrderSettings,
    balance: BalanceSettings,
) -> CreditNoteTask:
    """The credit note as a task. Raises `Unbookable` when the document cannot hold it."""
    cumulative = balance.dialect.credit_notes == "cumulative"
    others = earlier if cumulative else ()
    before, own = _written(note, others, settings, refund.shop)
    rate, source = note_rate(basis, settings, balance)
    wording = replace(_wording(refund, note, others, basis, balance), rate=rate)
    parts = parts_of((*before, *own), wording)
    return CreditNoteTask(
        shop=refund.shop,
        order_id=refund.order_id,
        refund_id=refund.refund_id,
        credit_note=parts[0].document if parts else wording.uid,
        sale=basis.sale,
        client=basis.client,
        date=note.date,
        currency=basis.currency,
        total=note.total,
        vat=note.vat,
        lines=own,
        before=before,
        quantities=tuple(document_quantity(line, basis) for line in (*before, *own)),
        content_digest=refund_digest(refund) if isinstance(refund, RefundIssued) else refund.digest,
        notes=note.notes,
        document=parts[0].sent if parts else credit_document((*before, *own), wording),
        parts=parts,
        cumulative=cumulative,
        currency_rate=rate,
        rate_source=source,
    )


def _wording(
    refund: Credited, note: CreditNote, others: Sequence[Earlier], basis: Basis, balance: BalanceSettings
) -> Wording:
    """A cumulative note keeps the day of its first refund, so that writing it again moves it into no other period."""
    whole = cumulative_note_uid(refund.shop, refund.order_id)
    return Wording(
        uid=whole if balance.dialect.credit_notes == "cumulative" else _own_uid(refund),
        date=min([note.date, *(other.date for other in others)]),
        comment=_comment(refund, others, basis),
        basis=basis,
        lists=balance.dialect.lists,
    )


def _own_uid(refund: Credited) -> str:
    if isinstance(refund, Reversal):
        return reversal_uid(refund.shop, refund.order_id, refund.revision)
    if isinstance(refund, Return):
        return return_uid(refund.shop, refund.order_id, refund.request)
    return credit_note_uid(refund.shop, refund.refund_id)


def _written(
    note: CreditNote, others: Sequence[Earlier], settings: OrderSettings, shop: str
) -> tuple[tuple[RecordedLine, ...], tuple[RecordedLine, ...]]:
    before = tuple(line for other in others for line in other.lines)
    is_return = brings_goods_back([*before, *note.lines])
    return (
        as_written(before, is_return, settings.amount_item, shop),
        as_written(note.lines, is_return, settings.amount_item, shop),
    )


def _comment(refund: Credited, others: Sequence[Earlier], basis: Basis) -> str:
    order = basis.header.get("PrimaryDocument", refund.order_id)
    if isinstance(refund, Return):
        return f"Return request {refund.request} of order {order}, shop {refund.shop}"
    if isinstance(refund, Reversal):
        return f"Order {order} {'edited' if refund.edited else 'given up'} after its Sale, shop {refund.shop}"
    ids = ", ".join(str(id_) for id_ in sorted([*(other.refund_id for other in others), refund.refund_id]))
    return f"Refund {ids} of order {order}, shop {refund.shop}"
