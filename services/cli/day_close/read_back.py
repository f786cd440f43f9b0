"""Read every document of the day from Balance again, and compare it with what was recorded (claim I6)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.closing import DayDifference
from services.connectors.balance.client import Balance
from services.connectors.balance.documents import StoredDocument, read_stored_document
from services.connectors.balance.fields import RowInvalid
from services.console.model.days.entries import DayEntry
from services.engine.clock import local_date
from services.settings.balance import BalanceSettings

Read = Callable[[str], Awaitable[Mapping[str, Any] | None]]
MAX_CONCURRENT = 16
"""Documents read at the same time; the client limits the connections by the settings."""


@dataclass(frozen=True, slots=True)
class RecordedDocument:
    """A document as it was recorded: `total` of all refunds in it, `date` of the oldest."""

    entry: DayEntry
    resource: str
    uid: str
    total: Decimal
    date: str


async def read_back_documents(found: Sequence[DayEntry], settings: BalanceSettings) -> list[DayDifference]:
    """The documents that differ in Balance from what was recorded. Raises `UpstreamError`."""
    at_once = asyncio.Semaphore(MAX_CONCURRENT)
    async with Balance(settings, settings.password()) as balance:

        async def check(one: RecordedDocument) -> DayDifference | None:
            async with at_once:
                return compare_document(one, await _read(balance, one), settings)

        checks = await asyncio.gather(*(check(one) for one in recorded_documents(found, settings)))
    return [difference for difference in checks if difference]


async def _read(balance: Balance, one: RecordedDocument) -> Mapping[str, Any] | None:
    if one.entry.kind == "payment":
        return await balance.receipt(one.resource, one.uid)
    return await (balance.sale if one.entry.kind == "order" else balance.credit_note)(one.uid)


def recorded_documents(found: Sequence[DayEntry], settings: BalanceSettings) -> list[RecordedDocument]:
    """The documents of the entries, each once. A credit note may contain several refunds, also of other days."""
    names = {"order": settings.dialect.sale_resource, "refund": settings.dialect.credit_note_resource}
    by_uid = {}
    for entry in found:
        if entry.books is not None:
            total, date = _credit_note_total(entry, entry.books.uid) if entry.kind == "refund" else _entry_total(entry)
            resource = names.get(entry.kind) or entry.history.receipts[str(entry.payment)].resource
            for uid, part in (_part_totals(entry) or {entry.books.uid: total}).items():
                by_uid[uid] = RecordedDocument(entry, resource, uid, part, date)
    return list(by_uid.values())


def _part_totals(entry: DayEntry) -> dict[str, Decimal]:
    """The total of each document, if a Sale or credit note consists of several; of a rewritten one its last state."""
    uid, history = entry.books.uid if entry.books else "", entry.history
    notes = sorted((note for note in history.notes.values() if note.credit_note == uid), key=lambda n: n.recorded_at)
    whole = [history.sales[uid]] if entry.kind == "order" and uid in history.sales else notes
    return {part.document: part.total for document in whole for part in document.parts}


def _entry_total(entry: DayEntry) -> tuple[Decimal, str]:
    return (entry.books.total, entry.books.date) if entry.books else (Decimal(0), "")


def _credit_note_total(entry: DayEntry, uid: str) -> tuple[Decimal, str]:
    notes = [note for note in entry.history.notes.values() if note.credit_note == uid]
    return sum((note.total for note in notes), Decimal(0)), min(note.date for note in notes)


def compare_document(
    one: RecordedDocument, row: Mapping[str, Any] | None, settings: BalanceSettings
) -> DayDifference | None:
    """The difference between a recorded document and its row in Balance; None if there is none."""
    if row is None:
        return _difference(one, one.total, "it is not in Balance any more; it may have been deleted there")
    try:
        stored = read_stored_document(row, one.resource, settings.dialect)
    except RowInvalid as error:
        return _difference(one, one.total, f"it cannot be read: {error.detail}")
    return _compare_stored(one, stored)


def _compare_stored(one: RecordedDocument, stored: StoredDocument) -> DayDifference | None:
    if stored.deleted:
        return _difference(one, one.total, "it is marked for deletion in Balance")
    if stored.total != one.total:
        return _difference(one, one.total - stored.total, f"its total in Balance is {stored.total}, not {one.total}")
    date = local_date(stored.date) if stored.date else one.date
    if date != one.date:
        return _difference(one, one.total, f"its date in Balance is {date}, but it was recorded with {one.date}")
    return None


def _difference(one: RecordedDocument, amount: Decimal, what: str) -> DayDifference:
    entry = one.entry
    document = {"order": "Sale", "refund": "credit note", "payment": "receipt"}[entry.kind]
    return DayDifference(
        kind=entry.kind,
        order_id=entry.order_id,
        number=entry.number,
        refund_id=entry.refund_id,
        payment=entry.payment,
        amount=amount,
        currency=entry.currency,
        cause=f"the {document} {one.uid} was changed by hand after it was recorded: {what}",
    )
