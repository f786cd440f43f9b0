"""Documents that consist of several in Balance: what each part is meant to hold, and what the parts say together."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

from contracts.ledger import DocumentPart, RecordedLine
from services.accounting.documents.booking import Booked

EachT = TypeVar("EachT")


def held_by(part: DocumentPart, whole: Sequence[EachT]) -> tuple[EachT, ...]:
    """What a part holds of the whole's lines, or of whatever else there is one of for each line."""
    return tuple(whole[position - 1] for position in part.positions)


def lines_together(
    parts: Sequence[DocumentPart], booked: Sequence[Booked], meant: Sequence[RecordedLine]
) -> tuple[RecordedLine, ...]:
    """The whole's lines as Balance holds them, in their order."""
    found = dict(enumerate(meant, start=1))
    for part, one in zip(parts, booked, strict=True):
        found |= zip(part.positions, one.comparison.lines, strict=True)
    return tuple(found.values())


def recorded_parts(parts: Sequence[DocumentPart], booked: Sequence[Booked]) -> tuple[DocumentPart, ...]:
    """The parts as they stand in Balance."""
    return tuple(
        part.model_copy(update={"document": one.stored.uid, "number": one.stored.number, "total": one.stored.total})
        for part, one in zip(parts, booked, strict=True)
    )


def total_of(booked: Sequence[Booked]) -> Decimal:
    """What the documents come to together."""
    return sum((one.stored.total for one in booked), Decimal(0))


def vat_of(booked: Sequence[Booked]) -> Decimal | None:
    """Their VAT together; None where one of them states none."""
    stated = [one.stored.vat for one in booked if one.stored.vat is not None]
    return sum(stated, Decimal(0)) if len(stated) == len(booked) else None
