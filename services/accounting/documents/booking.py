"""Writing one document to Balance so that it stands there once: read, write, read back, compare (claims K2, I6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, TypeVar

from contracts.ledger import DocumentPart, RecordedLine
from contracts.reasons import Reason
from services.accounting.documents.comparison import DocumentComparison, DocumentIntent, compare_document
from services.connectors.balance.documents import StoredDocument, read_stored_document
from services.connectors.balance.fields import Row as BalanceRow
from services.connectors.balance.fields import RowInvalid, reference
from services.engine.outbox.outcome import Outcome, Refused, Unknown
from services.engine.outbox.row import Row
from services.engine.outbox.upstream_errors import Rejected, UpstreamError, outcome_of
from services.settings.balance import Dialect

Read = Callable[[str], Awaitable[BalanceRow | None]]
Write = Callable[[dict[str, Any]], Awaitable[BalanceRow | None]]
VANISHED = 3
"""After so many writes that Balance confirmed and does not show, a person must look."""


@dataclass(frozen=True, slots=True)
class DocumentRegister:
    """The documents of one kind in Balance: how they are read by uid and written; `resource` is their name there."""

    read: Read
    write: Write
    resource: str
    dialect: Dialect

    async def stored(self, uid: str) -> StoredDocument | None:
        """The document with this uid. Raises `UpstreamError`, and `RowInvalid` for one that cannot be read."""
        row = await self.read(uid)
        return read_stored_document(row, self.resource, self.dialect) if row else None

    async def put(self, json: dict[str, Any]) -> str | None:
        """Write a document; the uid that the echo names, if it names one."""
        echo = await self.write(json)
        return reference(echo, "uid") if echo else None


@dataclass(frozen=True, slots=True)
class DocumentWrite:
    """A document to be written. `title` names it to a person; `mismatch` is the reason when it is not as meant.

    `replaces`: an earlier version of it under the same uid may stand there and is written again. `again`: its posting
    was refused before, so that it may stand there without being posted. `strict`: one of several that belong
    together; what stands there must be as it was meant, whoever wrote it.
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
    """The document stands in Balance."""

    stored: StoredDocument
    comparison: DocumentComparison
    how: Literal["written", "adopted"]

    @property
    def differences(self) -> tuple[str, ...]:
        """What is not as it was meant."""
        return self.comparison.differences


async def write_document(document: DocumentWrite, row: Row, register: DocumentRegister) -> BookedDocument | Outcome:
    """Have the document stand in Balance once.

    What stands there already is adopted as it is; only what we wrote ourselves must be as it was meant.
    """
    try:
        stored = await register.stored(document.uid)
        if stored is not None and stored.deleted:
            return _marked(document, stored)
        if stored is None or _is_written_over(document, stored):
            return await _write(document, row, register)
        return _judged(document, stored) if document.strict or _is_ours(row) else _adopted(document, stored)
    except UpstreamError as error:
        return outcome_of(error)
    except RowInvalid as error:
        return Refused(error.reason, f"{document.title}: {error.detail}")


def _is_written_over(document: DocumentWrite, stored: StoredDocument) -> bool:
    """An earlier version of ours; or our own draft, as it was left: one that a person has changed is taken as it is."""
    wrong = bool(compare_document(document.intent, stored).wrong)
    return (document.replaces and wrong) or (document.again and stored.posted is not True and not wrong)


async def write_documents(
    documents: Sequence[DocumentWrite], row: Row, register: DocumentRegister
) -> list[BookedDocument] | Outcome:
    """Have several documents stand in Balance that belong together; what stops one stops those after it.

    A later attempt finds those before it there: each is read before it is written.
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
        return Refused(error.reason, f"{document.title}: {error.message}{await _left_behind(document, register)}")
    try:
        stored = await _written(document, echoed, register)
    except UpstreamError as error:
        return Unknown(f"{document.title}: written, not read back yet: {error.message}")
    return _unseen(document, row) if stored is None else _judged(document, stored)


async def _written(document: DocumentWrite, echoed: str | None, register: DocumentRegister) -> StoredDocument | None:
    """The document under our uid, or under the one that Balance gave it instead (Balance fact 48)."""
    stored = await register.stored(document.uid)
    if stored is None and echoed and echoed != document.uid:
        return await register.stored(echoed)
    return stored


async def _left_behind(document: DocumentWrite, register: DocumentRegister) -> str:
    """Balance fact 49: a refused posting may leave a draft."""
    if document.replaces or await register.stored(document.uid) is None:
        return ""
    return (
        f". Balance kept it, not posted, as {document.uid}: mend the cause and post it there, then replay this and "
        "it is taken as it stands; or delete it there before the replay"
    )


def _marked(document: DocumentWrite, stored: StoredDocument) -> Refused:
    return Refused(
        document.mismatch,
        f"{document.title} stands in Balance as {stored.number or stored.uid}, marked for deletion: take the mark away "
        "there, then replay this; or discard this if it is not to stand in the books",
    )


def _is_ours(row: Row) -> bool:
    """Whether an earlier attempt may have written what stands there now."""
    return any(attempt.outcome == "unknown" for attempt in row.attempts)


def _adopted(document: DocumentWrite, stored: StoredDocument) -> BookedDocument:
    return BookedDocument(stored, compare_document(document.intent, stored), "adopted")


def _judged(document: DocumentWrite, stored: StoredDocument) -> BookedDocument | Outcome:
    comparison = compare_document(document.intent, stored)
    if comparison.wrong:
        return Refused(
            document.mismatch,
            f"{document.title} stands in Balance as {stored.number or stored.uid}, but not as it was meant: "
            f"{'; '.join(comparison.wrong)}. Correct it there, then replay this: it is taken as it stands",
        )
    return BookedDocument(stored, comparison, "written")


def _unseen(document: DocumentWrite, row: Row) -> Outcome:
    detail = f"{document.title}: Balance confirmed the write and does not show it under {document.uid}"
    seen = sum(attempt.outcome == "unknown" for attempt in row.attempts)
    if seen + 1 < VANISHED:
        return Unknown(detail)
    return Refused(document.mismatch, f"{detail}, {VANISHED} times: look for it in Balance and delete what is double")


# Documents that consist of several in Balance: what each part is meant to hold, and what the parts say together.

EachT = TypeVar("EachT")


def select_part(part: DocumentPart, whole: Sequence[EachT]) -> tuple[EachT, ...]:
    """What a part holds of the whole's lines, or of whatever else there is one of for each line."""
    return tuple(whole[position - 1] for position in part.positions)


def merge_lines(
    parts: Sequence[DocumentPart], booked: Sequence[BookedDocument], meant: Sequence[RecordedLine]
) -> tuple[RecordedLine, ...]:
    """The whole's lines as Balance holds them, in their order."""
    found = dict(enumerate(meant, start=1))
    for part, one in zip(parts, booked, strict=True):
        found |= zip(part.positions, one.comparison.lines, strict=True)
    return tuple(found.values())


def to_recorded_parts(parts: Sequence[DocumentPart], booked: Sequence[BookedDocument]) -> tuple[DocumentPart, ...]:
    """The parts as they stand in Balance."""
    return tuple(
        part.model_copy(update={"document": one.stored.uid, "number": one.stored.number, "total": one.stored.total})
        for part, one in zip(parts, booked, strict=True)
    )


def sum_totals(booked: Sequence[BookedDocument]) -> Decimal:
    """What the documents come to together."""
    return sum((one.stored.total for one in booked), Decimal(0))


def sum_vat(booked: Sequence[BookedDocument]) -> Decimal | None:
    """Their VAT together; None where one of them states none."""
    stated = [one.stored.vat for one in booked if one.stored.vat is not None]
    return sum(stated, Decimal(0)) if len(stated) == len(booked) else None
