"""The payload of a delivery: all that the credit note in Balance and the event after it need."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from contracts.ledger import DocumentPart, RateSource, RecordedLine
from contracts.model import Money, Part, Quantity


class CreditNoteTask(Part):
    """A credit note to be written. `lines`, `total` and `vat` are this refund's own.

    `document` is the JSON; with one cumulative note per Sale it holds the earlier refunds as well: `before` are their
    lines, which stand before this refund's own, and `quantities` belong to the document's lines.
    Where the Sale is several documents, `parts` are this one's, and `document` is the first of them.
    """

    shop: str
    order_id: int
    refund_id: int
    credit_note: str
    sale: str
    client: str
    date: str
    currency: str
    total: Money
    vat: Money
    lines: tuple[RecordedLine, ...]
    before: tuple[RecordedLine, ...] = ()
    quantities: tuple[Quantity, ...]
    content_digest: str
    notes: tuple[str, ...] = ()
    document: dict[str, Any]
    parts: tuple[DocumentPart, ...] = ()
    cumulative: bool = False
    currency_rate: Quantity | None = None
    rate_source: RateSource | None = None

    @property
    def document_lines(self) -> tuple[RecordedLine, ...]:
        """All lines of the document."""
        return (*self.before, *self.lines)

    @property
    def document_total(self) -> Decimal:
        """The total of the document."""
        return sum((line.amount for line in self.document_lines), Decimal(0))

    @property
    def document_vat(self) -> Decimal:
        """The VAT of the document."""
        return sum((line.vat for line in self.document_lines), Decimal(0))
