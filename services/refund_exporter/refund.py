"""A refund of the shop: its name in messages, and whether its content still matches its credit note."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from contracts.json_text import digest_of
from contracts.ledger import CreditNoteRecorded, RecordedLine
from contracts.shop import RefundIssued, RefundLine
from services.accounting.documents.figures import is_same_amount, number


def refund_name(refund: RefundIssued) -> str:
    """`refund 1051 of order 1042 of shop main`."""
    return f"refund {refund.refund_id} of order {refund.order_id} of shop {refund.shop}"


def refund_digest(refund: RefundIssued) -> str:
    """The digest of currency, amount and lines; persons, dates and texts do not count."""
    lines = [_line_content(line) for line in sorted(refund.lines, key=lambda line: (line.kind, line.line_id))]
    return digest_of([refund.currency, number(refund.amount), lines])


def _line_content(line: RefundLine) -> list[object]:
    figures = (line.quantity, line.total, line.total_tax)
    return [line.kind, line.line_id, line.refunded_line_id, *map(number, figures)]


def is_changed(refund: RefundIssued, note: CreditNoteRecorded) -> bool:
    """Whether the refund gives back another amount or other pieces than its credit note.

    What the shop may show differently later (decimals, its own line ids, the split of net and tax) does not count.
    """
    if refund_digest(refund) == note.content_digest:
        return False
    return not is_same_amount(refund.amount, note.total) or _refunded_pieces(refund) != _credited_pieces(note.lines)


def _refunded_pieces(refund: RefundIssued) -> dict[int | None, Decimal]:
    pieces: dict[int | None, Decimal] = defaultdict(Decimal)
    for line in refund.lines:
        if line.kind == "product" and line.quantity:
            pieces[line.refunded_line_id] += line.quantity
    return dict(pieces)


def _credited_pieces(lines: Iterable[RecordedLine]) -> dict[int | None, Decimal]:
    pieces: dict[int | None, Decimal] = defaultdict(Decimal)
    for line in lines:
        if line.kind == "product" and line.quantity:
            pieces[line.order_line_id] += line.quantity
    return dict(pieces)
