"""The Sale that a credit note takes back from: as it was recorded, or in dry-run as it is planned."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.ledger import RecordedLine, SalePlanned, SaleRecorded


@dataclass(frozen=True, slots=True)
class BasisLine:
    """A line of the Sale; `position` counts from 1, `sent` is its JSON as it was written."""

    position: int
    recorded: RecordedLine
    sent: dict[str, Any]

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

    def of_order_line(self, line_id: int | None) -> tuple[BasisLine, ...]:
        """The Sale's lines that were made from a line of the order; several when it was sold at several rates."""
        return tuple(line for line in self.lines if line_id is not None and line.recorded.order_line_id == line_id)


def basis_of(sale: SaleRecorded | SalePlanned) -> Basis:
    """A recorded or planned Sale as the basis of credit notes."""
    rows = sale.sent.get("Items", [])
    lines = [
        BasisLine(position, line, rows[position - 1] if position <= len(rows) else {})
        for position, line in enumerate(sale.lines, start=1)
    ]
    return Basis(sale.sale, sale.client, sale.currency, sale.total, tuple(lines), sale.sent, sale.currency_rate)
