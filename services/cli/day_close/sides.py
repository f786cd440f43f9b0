"""What one side, shop or books, holds of an order, refund or payment."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from services.cli.day_close.rates import Rates


@dataclass(frozen=True, slots=True)
class Side:
    """What one side holds on this day. `date` is its day, `uid` names it; receipts have no VAT rates."""

    total: Decimal
    currency: str
    rates: Rates
    date: str
    uid: str = ""
