"""Money that is given back on no line in particular: by rate, over what is left of the Sale (order-money rule 14)."""

from __future__ import annotations

from decimal import Decimal

from contracts.money import allocate
from services.refund_exporter.basis import Basis, BasisLine
from services.refund_exporter.left import Left
from services.refund_exporter.parts import Part


def spread(amount: Decimal, basis: Basis, left: Left, amount_item: str | None) -> tuple[Part, ...]:
    """The amount (positive, at most what is left) over the lines of the Sale, in proportion to what is left of each.

    All that is left takes each line's own rest. With an `amount_item` it becomes one line of that item per VAT rate.
    """
    if amount == left.total == sum((rest.amount for rest in left.lines.values()), Decimal(0)) and not amount_item:
        parts = [Part(line, left.lines[line.position].amount) for line in basis.lines]
    else:
        weights = [max(left.lines[line.position].amount, Decimal(0)) for line in basis.lines]
        parts = [Part(line, share) for line, share in zip(basis.lines, allocate(amount, weights), strict=True)]
    parts = [part for part in parts if part.amount]
    return _by_rate(parts, amount_item) if amount_item else tuple(parts)


def _by_rate(parts: list[Part], item: str) -> tuple[Part, ...]:
    sums: dict[Decimal | None, tuple[BasisLine, Decimal]] = {}
    for part in parts:
        percent = part.line.recorded.vat_percent
        line, amount = sums.get(percent, (part.line, Decimal(0)))
        sums[percent] = (line, amount + part.amount)
    return tuple(Part(line, amount, item=item, on_line=False) for line, amount in sums.values() if amount)
