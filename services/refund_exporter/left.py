"""What is left on a Sale after the credit notes so far: never more than that is given back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from contracts.ledger import RecordedLine
from services.refund_exporter.basis import Basis

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class LineLeft:
    """What is left of one line of the Sale."""

    quantity: Decimal
    amount: Decimal
    vat: Decimal

    def limit(self, amount: Decimal) -> Decimal:
        """As much of an amount as this line can bear: up to what is left, and only with its sign."""
        if amount * self.amount <= 0:
            return ZERO
        return min(amount, self.amount, key=abs)

    def less(self, amount: Decimal, vat: Decimal, quantity: Decimal) -> LineLeft:
        """What is left after this was given back too."""
        return LineLeft(self.quantity - quantity, self.amount - amount, self.vat - vat)


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of the whole Sale, and by position of its lines."""

    total: Decimal
    lines: Mapping[int, LineLeft]


def left_of(basis: Basis, credited: Iterable[RecordedLine]) -> Left:
    """The Sale less the lines of its credit notes.

    A credit line without a `sale_line` lowers the total only: it stands for no line of the Sale.
    """
    taken = list(credited)
    lines = {line.position: _line(line.recorded, line.position, taken) for line in basis.lines}
    return Left(basis.total - sum((line.amount for line in taken), ZERO), lines)


def _line(sold: RecordedLine, position: int, taken: Iterable[RecordedLine]) -> LineLeft:
    own = [line for line in taken if line.sale_line == position]
    return LineLeft(
        quantity=sold.quantity - sum((line.quantity for line in own), ZERO),
        amount=sold.amount - sum((line.amount for line in own), ZERO),
        vat=sold.vat - sum((line.vat for line in own), ZERO),
    )
