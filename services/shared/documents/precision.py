"""Comparing amounts of the shop with those of the books, whatever decimals the shop shows them with.

A shop whose decimals were changed shows the same order as `100` instead of `99.70`, or as `39.333` instead of `39.33`.
"""

from __future__ import annotations

from decimal import Decimal

from services.shared.money import TETRI

HALF = Decimal("0.5")


def blur(shown: Decimal) -> Decimal:
    """By how much a figure may differ from that of the books and be the same: nothing where it is shown in tetri."""
    unit = Decimal(1).scaleb(int(shown.as_tuple().exponent))
    return Decimal(0) if unit == TETRI else max(unit, TETRI) * HALF


def is_same_amount(shown: Decimal, booked: Decimal) -> bool:
    """Whether an amount that the shop shows is the one in the books."""
    return abs(shown - booked) <= blur(shown)
