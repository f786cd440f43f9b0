"""The events about receipts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from contracts.ledger import PaymentPlanned
from services.order_exporter.receipts.tasks import ReceiptTask


def payment_content(task: ReceiptTask) -> dict[str, Any]:
    """The fields that `PaymentPlanned` and `PaymentRecorded` have in common."""
    return {**task.model_dump(exclude={"document"}), "sent": task.document}


def planned(task: ReceiptTask, now: datetime) -> PaymentPlanned:
    """The plan of a receipt: the whole payload, as it would be sent."""
    return PaymentPlanned(**payment_content(task), planned_at=now)
