"""Reading every document of the day from Balance once more: is it there, is it what was recorded? (claim I6)"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.closing import DayDifference
from services.cli.day_close.entries import DayEntry
from services.connectors.balance.client import Balance
from services.connectors.balance.documents import StoredDocument, stored_document
from services.connectors.balance.rows import RowInvalid
from services.engine.clock import local_date
from services.settings.balance import BalanceSettings

Read = Callable[[str], Awaitable[Mapping[str, Any] | None]]
MAX_CONCURRENT = 16
"""Documents under way at a time; the client holds the connections that the settings allow."""


@dataclass(frozen=True, slots=True)
class RecordedDocument:
    """A document as it was recorded: `total` over all refunds that stand in it, `date` of the oldest."""

    entry: DayEntry
    resource: str
    uid: str
    total: Decimal
    date: str


async def read_back_documents(found: Sequence[DayEntry], settings: BalanceSettings) -> list[DayDifference]:
    """What stands in Balance otherwise than it was recorded. Raises `UpstreamError` when Balance does not answer."""
    at_once = asyncio.Semaphore(MAX_CONCURRENT)
    async with Balance(settings, settings.password()) as balance:

        async def look(one: RecordedDocument) -> DayDifference | None:
            async with at_once:
                return compare_document(one, await _read(balance, one), settings)

        looks = await asyncio.gather(*(look(one) for one in recorded_documents(found, settings)))
    return [difference for difference in looks if difference]


async def _read(balance: Balance, one: RecordedDocument) -> Mapping[str, Any] | None:
    if one.entry.kind == "payment":
        return await balance.receipt(one.resource, one.uid)
    return await (balance.sale if one.entry.kind == "order" else balance.credit_note)(one.uid)


def recorded_documents(found: Sequence[DayEntry], settings: BalanceSettings) -> list[RecordedDocument]:
    """The documents of the entries, each once; a credit note may hold several refunds, of other days too."""
    names = {"order": settings.dialect.sale_resource, "refund": settings.dialect.credit_note_resource}
    by_uid = {}
    for entry in found:
        if entry.books is not None:
            total, date = _credit_note_total(entry, entry.books.uid) if entry.kind == "refund" else _entry_total(entry)
            resource = names.get(entry.kind) or entry.story.receipts[str(entry.payment)].resource
            for uid, part in (_part_totals(entry) or {entry.books.uid: total}).items():
                by_uid[uid] = RecordedDocument(entry, resource, uid, part, date)
    return list(by_uid.values())


def _part_totals(entry: DayEntry) -> dict[str, Decimal]:
    """What each document comes to, where the whole consists of several; of a note written again the last state."""
    uid, story = entry.books.uid if entry.books else "", entry.story
    notes = sorted((note for note in story.notes.values() if note.credit_note == uid), key=lambda n: n.recorded_at)
    whole = [story.sales[uid]] if entry.kind == "order" and uid in story.sales else notes
    return {part.document: part.total for document in whole for part in document.parts}


def _entry_total(entry: DayEntry) -> tuple[Decimal, str]:
    return (entry.books.total, entry.books.date) if entry.books else (Decimal(0), "")


def _credit_note_total(entry: DayEntry, uid: str) -> tuple[Decimal, str]:
    notes = [note for note in entry.story.notes.values() if note.credit_note == uid]
    return sum((note.total for note in notes), Decimal(0)), min(note.date for note in notes)


def compare_document(
    one: RecordedDocument, row: Mapping[str, Any] | None, settings: BalanceSettings
) -> DayDifference | None:
    """The difference between a recorded document and the row that Balance shows for it now."""
    if row is None:
        return _difference(one, one.total, "Balance shows it no more: was it deleted there?")
    try:
        stored = stored_document(row, one.resource, settings.dialect)
    except RowInvalid as error:
        return _difference(one, one.total, f"it cannot be read: {error.detail}")
    return _compare_stored(one, stored)


def _compare_stored(one: RecordedDocument, stored: StoredDocument) -> DayDifference | None:
    if stored.deleted:
        return _difference(one, one.total, "it is marked for deletion in Balance")
    if stored.total != one.total:
        return _difference(one, one.total - stored.total, f"it comes to {stored.total} in Balance, not {one.total}")
    date = local_date(stored.date) if stored.date else one.date
    if date != one.date:
        return _difference(one, one.total, f"its date in Balance is {date}, it was recorded under {one.date}")
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
