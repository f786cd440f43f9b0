"""The Sale that a credit note takes back from: as it was recorded, or in dry-run as it is planned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from contracts.ledger import DocumentPart, RecordedLine, SalePlanned, SaleRecorded


@dataclass(frozen=True, slots=True)
class BasisLine:
    """A line of the Sale; `position` counts from 1, `sent` is its JSON as it was written, in this `document`."""

    position: int
    recorded: RecordedLine
    sent: dict[str, Any]
    document: str

    @property
    def percent(self) -> Decimal:
        """The VAT rate in percent; 0 for an untaxed line."""
        return self.recorded.vat_percent or Decimal(0)


@dataclass(frozen=True, slots=True)
class Basis:
    """The Sale. Amounts are gross, in its currency; `header` is its JSON as it was written, `rate` its currency's."""

    sale: str
    client: str
    currency: str
    total: Decimal
    lines: tuple[BasisLine, ...]
    header: dict[str, Any]
    rate: Decimal | None = None
    parts: tuple[DocumentPart, ...] = ()

    def of_part(self, part: DocumentPart) -> Basis:
        """The same Sale, its document being one of its parts: that is what a credit note in Balance is bound to."""
        return replace(self, sale=part.document, header=part.sent)

    def of_order_line(self, line_id: int | None) -> tuple[BasisLine, ...]:
        """The Sale's lines that were made from a line of the order; several when it was sold at several rates."""
        return tuple(line for line in self.lines if line_id is not None and line.recorded.order_line_id == line_id)


def basis_of(sale: SaleRecorded | SalePlanned) -> Basis:
    """A recorded or planned Sale as the basis of credit notes."""
    places = _places(sale)
    lines = [
        BasisLine(position, line, *places.get(position, ({}, sale.sale)))
        for position, line in enumerate(sale.lines, start=1)
    ]
    parts, rate = sale.parts, sale.currency_rate
    return Basis(sale.sale, sale.client, sale.currency, sale.total, tuple(lines), sale.sent, rate, parts)


def _places(sale: SaleRecorded | SalePlanned) -> dict[int, tuple[dict[str, Any], str]]:
    """The JSON of each line, and the document that it stands in."""
    if not sale.parts:
        return {position: (row, sale.sale) for position, row in enumerate(sale.sent.get("Items", []), start=1)}
    return {
        position: (row, part.document)
        for part in sale.parts
        for position, row in zip(part.positions, part.sent.get("Items", []), strict=False)
    }
