"""The Sale that a credit note credits, as recorded or (in dry-run) as planned, and what earlier notes leave of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from contracts.ledger import DocumentPart, RecordedLine, SalePlanned, SaleRecorded

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class BasisLine:
    """A line of the Sale. `position` counts from 1; `sent` is its JSON as written, in the document `document`."""

    position: int
    recorded: RecordedLine
    sent: dict[str, Any]
    document: str

    @property
    def percent(self) -> Decimal:
        """The VAT rate in percent; 0 for an untaxed line."""
        return self.recorded.vat_percent or ZERO


@dataclass(frozen=True, slots=True)
class SaleBasis:
    """The Sale. Amounts are gross, in its currency; `header` is its JSON as written, `rate` its exchange rate."""

    sale: str
    client: str
    currency: str
    total: Decimal
    lines: tuple[BasisLine, ...]
    header: dict[str, Any]
    rate: Decimal | None = None
    parts: tuple[DocumentPart, ...] = ()

    def of_part(self, part: DocumentPart) -> SaleBasis:
        """The same Sale with one of its documents as base: a credit note in Balance is bound to one document."""
        return replace(self, sale=part.document, header=part.sent)

    def of_order_line(self, line_id: int | None) -> tuple[BasisLine, ...]:
        """The Sale's lines for a line of the order; several if it was sold at several rates."""
        return tuple(line for line in self.lines if line_id is not None and line.recorded.order_line_id == line_id)


def build_basis(sale: SaleRecorded | SalePlanned) -> SaleBasis:
    """A recorded or planned Sale as the basis of credit notes."""
    places = _places(sale)
    lines = [
        BasisLine(position, line, *places.get(position, ({}, sale.sale)))
        for position, line in enumerate(sale.lines, start=1)
    ]
    parts, rate = sale.parts, sale.currency_rate
    return SaleBasis(sale.sale, sale.client, sale.currency, sale.total, tuple(lines), sale.sent, rate, parts)


def _places(sale: SaleRecorded | SalePlanned) -> dict[int, tuple[dict[str, Any], str]]:
    """By position: the JSON of each line, and the document that contains it."""
    if not sale.parts:
        return {position: (row, sale.sale) for position, row in enumerate(sale.sent.get("Items", []), start=1)}
    return {
        position: (row, part.document)
        for part in sale.parts
        for position, row in zip(part.positions, part.sent.get("Items", []), strict=False)
    }


@dataclass(frozen=True, slots=True)
class LineRemainder:
    """What is left of one line of the Sale."""

    quantity: Decimal
    amount: Decimal
    vat: Decimal

    def limit(self, amount: Decimal) -> Decimal:
        """The part of an amount that this line can still give back; 0 if the signs differ."""
        if amount * self.amount <= 0:
            return ZERO
        return min(amount, self.amount, key=abs)

    def less(self, amount: Decimal, vat: Decimal, quantity: Decimal) -> LineRemainder:
        """What is left after another credit."""
        return LineRemainder(self.quantity - quantity, self.amount - amount, self.vat - vat)


@dataclass(frozen=True, slots=True)
class Remainder:
    """What is left of the whole Sale, and of its lines by position.

    `unassigned`: by VAT percent, what was credited on service items and so lowers no line.
    """

    total: Decimal
    lines: Mapping[int, LineRemainder]
    unassigned: Mapping[Decimal | None, Decimal] = field(default_factory=dict)


def compute_remainder(basis: SaleBasis, credited: Iterable[RecordedLine]) -> Remainder:
    """The Sale less the lines of its credit notes. Credit lines without a `sale_line` lower only the total."""
    taken = list(credited)
    lines = {line.position: _line_remainder(line.recorded, line.position, taken) for line in basis.lines}
    unassigned: dict[Decimal | None, Decimal] = defaultdict(Decimal)
    for line in taken:
        if line.sale_line is None:
            unassigned[line.vat_percent] += line.amount
    return Remainder(basis.total - sum((line.amount for line in taken), ZERO), lines, dict(unassigned))


def _line_remainder(sold: RecordedLine, position: int, credited: Iterable[RecordedLine]) -> LineRemainder:
    own = [line for line in credited if line.sale_line == position]
    return LineRemainder(
        quantity=sold.quantity - sum((line.quantity for line in own), ZERO),
        amount=sold.amount - sum((line.amount for line in own), ZERO),
        vat=sold.vat - sum((line.vat for line in own), ZERO),
    )
