"""A credit note on a Sale of several documents: one for each that it takes from, bound to that one (claim S3.37)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from contracts.ledger import DocumentPart, RecordedLine
from services.accounting.documents.uids import part_uid
from services.refund_exporter.basis import Basis
from services.refund_exporter.credit_document import Wording, credit_document


def parts_of(lines: Sequence[RecordedLine], wording: Wording) -> tuple[DocumentPart, ...]:
    """The documents of a credit note with these lines; none where the Sale is one document.

    An amount that stands for no line of the Sale belongs to the Sale's first document.
    """
    found: dict[str, list[int]] = {part.document: [] for part in wording.basis.parts}
    for position, line in enumerate(lines, start=1):
        if found:
            found[_document(line, wording.basis)].append(position)
    by_document = {part.document: part for part in wording.basis.parts}
    return tuple(_part(by_document[sale], held, lines, wording) for sale, held in found.items() if held)


def _document(line: RecordedLine, basis: Basis) -> str:
    return basis.lines[line.sale_line - 1].document if line.sale_line else basis.parts[0].document


def _part(of: DocumentPart, held: Sequence[int], lines: Sequence[RecordedLine], wording: Wording) -> DocumentPart:
    own = [lines[position - 1] for position in held]
    uid = wording.uid if of.document == wording.basis.sale else part_uid(wording.uid, of.document)
    part_wording = replace(wording, uid=uid, basis=wording.basis.of_part(of))
    return DocumentPart(
        document=uid,
        warehouse=of.warehouse,
        base=of.document,
        total=sum((line.amount for line in own), Decimal(0)),
        positions=tuple(held),
        sent=credit_document(own, part_wording),
    )
