"""Which content of a refund matters to the books."""

from __future__ import annotations

from contracts.shop import RefundIssued, RefundLine
from services.shared.documents.digest import digest_of
from services.shared.documents.written import number


def refund_digest(refund: RefundIssued) -> str:
    """The digest of currency, amount and lines; persons, dates and texts do not count."""
    lines = [_line(line) for line in sorted(refund.lines, key=lambda line: (line.kind, line.line_id))]
    return digest_of([refund.currency, number(refund.amount), lines])


def _line(line: RefundLine) -> list[object]:
    figures = (line.quantity, line.total, line.total_tax)
    return [line.kind, line.line_id, line.refunded_line_id, *map(number, figures)]
