"""Writes a document to Balance exactly once: read, write, read back, compare (claims K2, I6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Literal, TypeVar

from contracts.ledger import DocumentPart, RecordedLine
from contracts.reasons import Reason
from services.accounting.documents.comparison import DocumentComparison, DocumentIntent, compare_document
from services.connectors.balance.documents import StoredDocument, read_stored_document
from services.connectors.balance.fields import Row as BalanceRow
from services.connectors.balance.fields import RowInvalid, reference
from services.engine.offload import LINE, run_by_size
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Outcome, Refused, Unknown
from services.engine.outbox.upstream_errors import Rejected, UpstreamError, outcome_of
from services.settings.balance import Dialect

Read = Callable[[str], Awaitable[BalanceRow | None]]
Write = Callable[[dict[str, Any]], Awaitable[BalanceRow | None]]
EachT = TypeVar("EachT")
VANISHED = 3
"""After this many writes that Balance confirmed and does not show, a person must decide."""


@dataclass(frozen=True, slots=True)
class DocumentRegister:
    """The documents of one kind in Balance: how to read one by uid and write one; `resource` is their name there."""

    read: Read
    write: Write
    resource: str
    dialect: Dialect

    async def stored(self, uid: str) -> StoredDocument | None:
        """The document with this uid. Raises `UpstreamError`, and `RowInvalid` for one that cannot be read."""
        row = await self.read(uid)
        if not row:
            return None
        size = sum(len(part) * LINE for part in row.values() if isinstance(part, list))
        return await run_by_size(partial(read_stored_document, row, self.resource, self.dialect), size)

    async def put(self, json: dict[str, Any]) -> str | None:
        """Write a document. Returns the uid in the echo, if it has one."""
        echo = await self.write(json)
        return reference(echo, "uid") if echo else None


@dataclass(frozen=True, slots=True)
class DocumentWrite:
    """A document to be written. `title` names it in messages; `mismatch` is the reason if it differs from the intent.

    `replaces`: an earlier version under the same uid may exist and is overwritten. `again`: its posting was refused
    before, so it may exist without being posted. `strict`: it is one of several that belong together; an existing
    document must match the intent, whoever wrote it.
    """

    uid: str
    title: str
    json: dict[str, Any]
    intent: DocumentIntent
    mismatch: Reason
    replaces: bool = False
    again: bool = False
    strict: bool = False


@dataclass(frozen=True, slots=True)
class BookedDocument:
    """The document exists in Balance."""

    stored: StoredDocument
    comparison: DocumentComparison
    how: Literal["written", "adopted"]

    @property
    def differences(self) -> tuple[str, ...]:
        """Where it differs from the intent."""
        return self.comparison.differences


async def write_document(document: DocumentWrite, row: Row, register: DocumentRegister) -> BookedDocument | Outcome:
    """Make the document exist in Balance exactly once.

    An existing document is adopted unchanged; only one that we wrote ourselves must match the intent.
    """
    try:
        stored = await register.stored(document.uid)
        if stored is not None and stored.deleted:
            return _refuse_marked(document, stored)
        if stored is None or await _aside(document, partial(_is_written_over, document, stored)):
            return await _write(document, row, register)
        settle = _check_written if document.strict or _is_ours(row) else _adopt
        return await _aside(document, partial(settle, document, stored))
    except UpstreamError as error:
        return outcome_of(error)
    except RowInvalid as error:
        return Refused(error.reason, f"{document.title}: {error.detail}")


async def _aside(document: DocumentWrite, work: Callable[[], EachT]) -> EachT:
    return await run_by_size(work, len(document.intent.lines) * LINE)


def _is_written_over(document: DocumentWrite, stored: StoredDocument) -> bool:
    """Whether it is an earlier version or an unchanged draft of ours; one that a person has changed is adopted."""
    wrong = bool(compare_document(document.intent, stored).wrong)
    return (document.replaces and wrong) or (document.again and stored.posted is not True and not wrong)


async def write_documents(
    documents: Sequence[DocumentWrite], row: Row, register: DocumentRegister
) -> list[BookedDocument] | Outcome:
    """Make several documents that belong together exist in Balance; an obstacle for one stops those after it.

    A later attempt finds the earlier ones, since each is read before it is written.
    """
    booked = []
    for document in documents:
        outcome = await write_document(document, row, register)
        if not isinstance(outcome, BookedDocument):
            return outcome
        booked.append(outcome)
    return booked


async def _write(document: DocumentWrite, row: Row, register: DocumentRegister) -> BookedDocument | Outcome:
    try:
        echoed = await register.put(document.json)
    except Rejected as error:
        return Refused(error.reason, f"{document.title}: {error.message}{await _describe_draft(document, register)}")
    try:
        stored = await _read_written(document, echoed, register)
    except UpstreamError as error:
        return Unknown(f"{document.title}: written, not read back yet: {error.message}")
    if stored is None:
        return _refuse_unseen(document, row)
    return await _aside(document, partial(_check_written, document, stored))


async def _read_written(
    document: DocumentWrite, echoed: str | None, register: DocumentRegister
) -> StoredDocument | None:
    """The document under our uid, or under the one that Balance gave it instead (Balance fact 48)."""
    stored = await register.stored(document.uid)
    if stored is None and echoed and echoed != document.uid:
        return await register.stored(echoed)
    return stored


async def _describe_draft(document: DocumentWrite, register: DocumentRegister) -> str:
    """Describe a draft left by a refused posting (Balance fact 49); empty if there is none."""
    if document.replaces or await register.stored(document.uid) is None:
        return ""
    return (
        f". Balance kept it as {document.uid}, not posted: fix the cause and post it there, then replay this to adopt "
        "it; or delete it there before the replay"
    )


def _refuse_marked(document: DocumentWrite, stored: StoredDocument) -> Refused:
    return Refused(
        document.mismatch,
        f"{document.title} exists in Balance as {stored.number or stored.uid}, marked for deletion: remove the mark "
        "there, then replay this; or discard this if it is not to be in the books",
    )


def _is_ours(row: Row) -> bool:
    """Whether an earlier attempt may have written the existing document."""
    return any(attempt.outcome == "unknown" for attempt in row.attempts)


def _adopt(document: DocumentWrite, stored: StoredDocument) -> BookedDocument:
    return BookedDocument(stored, compare_document(document.intent, stored), "adopted")


def _check_written(document: DocumentWrite, stored: StoredDocument) -> BookedDocument | Outcome:
    comparison = compare_document(document.intent, stored)
    if comparison.wrong:
        return Refused(
            document.mismatch,
            f"{document.title} exists in Balance as {stored.number or stored.uid}, but differs from what was sent: "
            f"{'; '.join(comparison.wrong)}. Correct it there, then replay this to adopt it",
        )
    return BookedDocument(stored, comparison, "written")


def _refuse_unseen(document: DocumentWrite, row: Row) -> Outcome:
    detail = f"{document.title}: Balance confirmed the write and does not show it under {document.uid}"
    seen = sum(attempt.outcome == "unknown" for attempt in row.attempts)
    if seen + 1 < VANISHED:
        return Unknown(detail)
    return Refused(document.mismatch, f"{detail}, {VANISHED} times: search for it in Balance and delete duplicates")


# A document that consists of several in Balance


def select_part(part: DocumentPart, whole: Sequence[EachT]) -> tuple[EachT, ...]:
    """The part's share of the whole's lines, or of any other sequence with one element per line."""
    return tuple(whole[position - 1] for position in part.positions)


def merge_lines(
    parts: Sequence[DocumentPart], booked: Sequence[BookedDocument], meant: Sequence[RecordedLine]
) -> tuple[RecordedLine, ...]:
    """The lines of the whole as stored in Balance, in their order."""
    found = dict(enumerate(meant, start=1))
    for part, one in zip(parts, booked, strict=True):
        found |= zip(part.positions, one.comparison.lines, strict=True)
    return tuple(found.values())


def to_recorded_parts(parts: Sequence[DocumentPart], booked: Sequence[BookedDocument]) -> tuple[DocumentPart, ...]:
    """The parts as stored in Balance."""
    return tuple(
        part.model_copy(update={"document": one.stored.uid, "number": one.stored.number, "total": one.stored.total})
        for part, one in zip(parts, booked, strict=True)
    )


def sum_totals(booked: Sequence[BookedDocument]) -> Decimal:
    """The sum of the documents' totals."""
    return sum((one.stored.total for one in booked), Decimal(0))


def sum_vat(booked: Sequence[BookedDocument]) -> Decimal | None:
    """The sum of their VAT; None if one of them states none."""
    stated = [one.stored.vat for one in booked if one.stored.vat is not None]
    return sum(stated, Decimal(0)) if len(stated) == len(booked) else None
