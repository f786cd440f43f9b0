"""The VAT of what is given back: inside the amount at the rate of the Sale's line, never more than is left of it."""

from __future__ import annotations

from decimal import Decimal

from contracts.money import vat_in
from services.refund_exporter.left import LineLeft
from services.refund_exporter.parts import Part


def vat_of(part: Part, left: LineLeft) -> Decimal:
    """VAT in whole tetri.

    The last of a line takes all VAT that is left, so that the notes add up to the Sale. Where tax alone is given back
    all of it is VAT; a refund of net amounts alone still lowers the VAT at the line's rate.
    """
    vat = part.amount if part.tax_alone else vat_in(part.amount, part.line.percent)
    if not part.on_line:
        return vat
    return left.vat if part.amount == left.amount else min(vat, left.vat, key=abs)
