"""The events about credit notes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from contracts.ledger import CreditNotePlanned
from services.refund_exporter.tasks import CreditNoteTask


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


def planned(task: CreditNoteTask, now: datetime) -> CreditNotePlanned:
    """The plan of a credit note: the whole payload, as it would be sent."""
    return CreditNotePlanned(**note_content(task), planned_at=now)
