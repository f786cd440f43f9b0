"""Writing a receipt to Balance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Protocol

from contracts.ledger import PaymentRecorded
from contracts.reasons import Reason
from services.accounting.documents.booking import Booked, Document, Register, book
from services.accounting.documents.read_back import Intent
from services.engine.outbox.lane import Deliver
from services.engine.outbox.outcome import Done, Outcome
from services.engine.outbox.row import Row
from services.order_exporter.receipts.announce import payment_content
from services.order_exporter.receipts.tasks import ReceiptTask
from services.settings.balance import Dialect


class Receipts(Protocol):
    """The receipts of a Balance; `resource` is the name of their kind there."""

    async def receipt(self, resource: str, uid: str) -> Mapping[str, Any] | None:
        """The receipt with this uid, or None."""

    async def put_receipt(self, resource: str, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Create or replace a receipt; the echo, if there is one."""


def deliver_receipts(balance: Receipts, dialect: Dialect, clock: Callable[[], datetime]) -> Deliver:
    """The effect of the lane `balance.receipts`."""

    async def deliver(rows: Sequence[Row]) -> Sequence[Outcome]:
        return await asyncio.gather(*(_deliver(row, balance, dialect, clock) for row in rows))

    return deliver


async def _deliver(row: Row, balance: Receipts, dialect: Dialect, clock: Callable[[], datetime]) -> Outcome:
    task = ReceiptTask.model_validate(row.payload)
    read, write = partial(balance.receipt, task.resource), partial(balance.put_receipt, task.resource)
    outcome = await book(_document(task), row, Register(read, write, task.resource, dialect))
    return Done((_recorded(task, outcome, row, clock()),)) if isinstance(outcome, Booked) else outcome


def _document(task: ReceiptTask) -> Document:
    intent = Intent(task.client, None, task.amount, Decimal(0), lines=(), quantities=(), base=task.sale)
    title = f"the receipt over {task.amount} {task.currency} of order {task.order_id} of shop {task.shop}"
    return Document(task.receipt, title, task.document, intent, Reason.PAYMENT_NOT_AS_MEANT)


def _recorded(task: ReceiptTask, booked: Booked, row: Row, now: datetime) -> PaymentRecorded:
    found = {
        "receipt": booked.stored.uid,
        "amount": booked.stored.total,
        "number": booked.stored.number,
        "how": booked.how,
        "differences": booked.differences,
    }
    return PaymentRecorded(**payment_content(task) | found, recorded_at=now, attempts=row.attempts)
