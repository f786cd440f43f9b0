"""The shop's own tax total as a control figure beside the VAT that the lines hold (order-money rules 5 and 11)."""

from __future__ import annotations

from decimal import Decimal

TOLERANCE = Decimal("0.02")
"""Rounding at subtotal parts the two by up to 0.02 (order-money rule 5)."""
WHOLE_TOLERANCE = Decimal("0.5")
"""Per line, in a shop that rounds every figure to whole lari."""


def vat_note(stated: Decimal, held: Decimal, lines: int, document: str) -> tuple[str, ...]:
    """What to tell an accountant when the shop's tax and the lines' VAT are further apart than rounding explains."""
    whole = stated.as_tuple().exponent == 0
    if abs(stated - held) <= (WHOLE_TOLERANCE * lines if whole else TOLERANCE):
        return ()
    return (f"VAT: the {document} says {stated}, its lines at their rates hold {held}",)
