"""The meaning of a shop's tax classes for VAT, and the shop's tax total as a control figure (rules 3 and 5)."""

from __future__ import annotations

from decimal import Decimal

from services.settings.orders import OrderSettings

UNTAXED, STANDARD = "none", "standard"
NOT_TAXABLE = "0"
"""WooCommerce fact 50: a cart fee that is not taxable is stored with this class; no shop has a class of that name."""
ORDINARY = frozenset({STANDARD, "reduced-rate"})
"""The classes of goods with VAT: a rate of 0 % there is treated as a mistake until the settings map it (rule 22)."""


def is_reviewed(tax_class: str, settings: OrderSettings) -> bool:
    """Whether a person has reviewed the class, or need not: what is not taxable is untaxed."""
    return tax_class in settings.tax_classes or tax_class == NOT_TAXABLE


def is_zero_mapped(tax_class: str, settings: OrderSettings) -> bool:
    """Whether the settings map 0 % in this class to a VAT rate of Balance."""
    return f"{tax_class}:0" in settings.vat_rates


def is_zero_meant(tax_class: str, settings: OrderSettings) -> bool:
    """Whether 0 % is intended in this class: it is not an ordinary class, or the settings map it."""
    return tax_class not in ORDINARY or is_zero_mapped(tax_class, settings)


TOLERANCE = Decimal("0.02")
"""Rounding at subtotal parts the two by up to 0.02 (rule 5)."""
WHOLE_TOLERANCE = Decimal("0.5")
"""Per line, in a shop that rounds every figure to whole lari."""


def describe_vat_difference(stated: Decimal, held: Decimal, lines: int, document: str) -> tuple[str, ...]:
    """A note for the accountant if the shop's tax and the lines' VAT differ by more than rounding explains."""
    whole = stated.as_tuple().exponent == 0
    if abs(stated - held) <= (WHOLE_TOLERANCE * lines if whole else TOLERANCE):
        return ()
    return (f"VAT: the {document} says {stated}, its lines at their rates hold {held}",)
