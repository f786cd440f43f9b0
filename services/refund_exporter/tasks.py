"""The payload of a delivery: what the credit note in Balance and the event after it need."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from contracts.ledger import CreditNotePlanned, DocumentPart, RateSource, RecordedLine
from contracts.model import Money, Part, Quantity


class CreditNoteTask(Part):
    """A credit note to be written. `lines`, `total` and `vat` are this refund's own.

    `document` is the JSON. A cumulative note also contains the earlier refunds: `before` are their lines, which precede
    this refund's own, and `quantities` belong to the lines of the document.
    If the Sale is several documents, `parts` are those of the credit note, and `document` is the first of them.
    """

    shop: str
    order_id: int
    refund_id: int
    credit_note: str
    sale: str
    client: str
    date: str
    currency: str
    total: Money
    vat: Money
    lines: tuple[RecordedLine, ...]
    before: tuple[RecordedLine, ...] = ()
    quantities: tuple[Quantity, ...]
    content_digest: str
    notes: tuple[str, ...] = ()
    document: dict[str, Any]
    parts: tuple[DocumentPart, ...] = ()
    cumulative: bool = False
    currency_rate: Quantity | None = None
    rate_source: RateSource | None = None

    @property
    def document_lines(self) -> tuple[RecordedLine, ...]:
        """All lines of the document."""
        return (*self.before, *self.lines)

    @property
    def document_total(self) -> Decimal:
        """The total of the document."""
        return sum((line.amount for line in self.document_lines), Decimal(0))


def note_content(task: CreditNoteTask) -> dict[str, Any]:
    """The fields that `CreditNotePlanned` and `CreditNoteRecorded` have in common."""
    return {
        "shop": task.shop,
        "order_id": task.order_id,
        "refund_id": task.refund_id,
        "credit_note": task.credit_note,
        "sale": task.sale,
        "date": task.date,
        "total": task.total,
        "vat": task.vat,
        "currency": task.currency,
        "currency_rate": task.currency_rate,
        "rate_source": task.rate_source,
        "lines": task.lines,
        "content_digest": task.content_digest,
        "sent": task.document,
        "parts": task.parts,
    }


def note_planned(task: CreditNoteTask, now: datetime) -> CreditNotePlanned:
    """The plan of a credit note: the whole payload as it would be sent."""
    return CreditNotePlanned(**note_content(task), planned_at=now)
