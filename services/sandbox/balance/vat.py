"""Balance's VAT: its rates, and the tax of one line, rounded per line."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from services.sandbox.balance.record import uid

REGULAR = "ჩვეულებრივი"
ZERO_RATED = "ნულოვანი"
WITHOUT = "დღგ-ის გარეშე"
EXEMPT = "დაუბეგრავი"
PERCENT = {REGULAR: Decimal(18), ZERO_RATED: Decimal(0), WITHOUT: Decimal(0), EXEMPT: Decimal(0)}
RATES = {uid("vat-rate", name): name for name in PERCENT}
UIDS = {name: known for known, name in RATES.items()}
NOT_TAXABLE = "არ იბეგრება დღგ-ით"
"""VATTaxable of a document without VAT."""

CENT = Decimal("0.01")


def rate_named(written: str, text_accepted: bool) -> str | None:
    """The rate that a line's VATRate means, by GUID or by display text; None when it is not recognised."""
    if written in RATES:
        return RATES[written]
    return written if text_accepted and written in PERCENT else None


def line_vat(amount: Decimal, rate: str, included: bool) -> Decimal:
    """VAT of one line in GEL, halves away from zero: amount × 18 / 118 when prices include it, else amount × 18 %."""
    percent = PERCENT[rate]
    base = Decimal(100) + percent if included else Decimal(100)
    return (amount * percent / base).quantize(CENT, ROUND_HALF_UP)
