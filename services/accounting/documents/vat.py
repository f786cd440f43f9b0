"""What tax classes of a shop mean for VAT, before any rate is looked at."""

from __future__ import annotations

from decimal import Decimal

from services.settings.orders import OrderSettings

UNTAXED, STANDARD = "none", "standard"
NOT_TAXABLE = "0"
"""WooCommerce fact 50: a cart fee that is not taxable is stored with this class; no shop has a class of that name."""
ORDINARY = frozenset({STANDARD, "reduced-rate"})
"""The classes of goods that bear VAT: a rate of 0 % there is a mistake until somebody says that it is meant."""


def is_reviewed(tax_class: str, settings: OrderSettings) -> bool:
    """Whether a person has looked at the class, or nobody needs to: what is not taxable is untaxed."""
    return tax_class in settings.tax_classes or tax_class == NOT_TAXABLE


def is_zero_mapped(tax_class: str, settings: OrderSettings) -> bool:
    """Whether the settings say which VAT rate of Balance 0 % in this class is."""
    return f"{tax_class}:0" in settings.vat_rates


def is_zero_meant(tax_class: str, settings: OrderSettings) -> bool:
    """Whether 0 % is what this class is for: it is no ordinary class, or the settings say so."""
    return tax_class not in ORDINARY or is_zero_mapped(tax_class, settings)


# The shop's own tax total as a control figure beside the VAT that the lines hold (rules 3 and 5).

TOLERANCE = Decimal("0.02")
"""Rounding at subtotal parts the two by up to 0.02 (rule 5)."""
WHOLE_TOLERANCE = Decimal("0.5")
"""Per line, in a shop that rounds every figure to whole lari."""


def describe_vat_difference(stated: Decimal, held: Decimal, lines: int, document: str) -> tuple[str, ...]:
    """What to tell an accountant when the shop's tax and the lines' VAT are further apart than rounding explains."""
    whole = stated.as_tuple().exponent == 0
    if abs(stated - held) <= (WHOLE_TOLERANCE * lines if whole else TOLERANCE):
        return ()
    return (f"VAT: the {document} says {stated}, its lines at their rates hold {held}",)
