"""Which content of a refund matters to the books."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from contracts.ledger import CreditNoteRecorded
from contracts.shop import RefundIssued, RefundLine
from services.accounting.documents.digest import digest_of
from services.accounting.documents.precision import is_same_amount
from services.accounting.documents.written import number


def refund_digest(refund: RefundIssued) -> str:
    """The digest of currency, amount and lines; persons, dates and texts do not count."""
    lines = [_line(line) for line in sorted(refund.lines, key=lambda line: (line.kind, line.line_id))]
    return digest_of([refund.currency, number(refund.amount), lines])


def _line(line: RefundLine) -> list[object]:
    figures = (line.quantity, line.total, line.total_tax)
    return [line.kind, line.line_id, line.refunded_line_id, *map(number, figures)]


def is_changed(refund: RefundIssued, note: CreditNoteRecorded) -> bool:
    """Whether the refund gives back another amount or other pieces than its credit note.

    What the shop may show differently later (decimals, its own line ids, how it parts net and tax) changes no book.
    """
    if refund_digest(refund) == note.content_digest:
        return False
    return not is_same_amount(refund.amount, note.total) or _pieces(refund) != _credited(note)


def _pieces(refund: RefundIssued) -> dict[int | None, Decimal]:
    pieces: dict[int | None, Decimal] = defaultdict(Decimal)
    for line in refund.lines:
        if line.kind == "product" and line.quantity:
            pieces[line.refunded_line_id] += line.quantity
    return dict(pieces)


def _credited(note: CreditNoteRecorded) -> dict[int | None, Decimal]:
    pieces: dict[int | None, Decimal] = defaultdict(Decimal)
    for line in note.lines:
        if line.kind == "product" and line.quantity:
            pieces[line.order_line_id] += line.quantity
    return dict(pieces)
