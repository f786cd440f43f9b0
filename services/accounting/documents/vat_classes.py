"""What tax classes of a shop mean for VAT, before any rate is looked at."""

from __future__ import annotations

from services.settings.orders import OrderSettings

UNTAXED, STANDARD = "none", "standard"
NOT_TAXABLE = "0"
"""API fact: WooCommerce stores a cart fee that is not taxable with this class; no shop has a class of that name."""
ORDINARY = frozenset({STANDARD, "reduced-rate"})
"""The classes of goods that bear VAT: a rate of 0 % there is a mistake until somebody says that it is meant."""


def is_looked_at(tax_class: str, settings: OrderSettings) -> bool:
    """Whether a person has looked at the class, or nobody needs to: what is not taxable is untaxed."""
    return tax_class in settings.tax_classes or tax_class == NOT_TAXABLE


def is_zero_mapped(tax_class: str, settings: OrderSettings) -> bool:
    """Whether the settings say which VAT rate of Balance 0 % in this class is."""
    return f"{tax_class}:0" in settings.vat_rates


def is_zero_meant(tax_class: str, settings: OrderSettings) -> bool:
    """Whether 0 % is what this class is for: it is no ordinary class, or the settings say so."""
    return tax_class not in ORDINARY or is_zero_mapped(tax_class, settings)
