"""At which rate a credit note in another currency is booked (claim K23): that of its Sale, or that of its own day."""

from __future__ import annotations

from decimal import Decimal

from contracts.ledger import RateSource
from services.refund_exporter.basis import Basis
from services.settings.balance import BalanceSettings
from services.settings.orders import OrderSettings

Rate = tuple[Decimal | None, RateSource | None]
"""A rate and who states it; neither where Balance is to take its own."""


def note_rate(basis: Basis, settings: OrderSettings, balance: BalanceSettings) -> Rate:
    """The rate that is written into the credit note."""
    if settings.refund_rate == "sale" and basis.rate is not None:
        return basis.rate, "sale"
    fixed = balance.currency_rates.get(basis.currency)
    return (None, None) if fixed is None else (fixed, "setting")
