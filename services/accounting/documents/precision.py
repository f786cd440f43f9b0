"""Comparing amounts of the shop with those of the books, whatever decimals the shop shows them with.

A shop whose decimals were changed shows the same order as `100` instead of `99.70`, or as `39.333` instead of `39.33`.
"""

from __future__ import annotations

from decimal import Decimal

from contracts.money import TETRI
from contracts.shop import OrderChanged

HALF = Decimal("0.5")


def blur(*shown: Decimal) -> Decimal:
    """By how much an amount may differ from that of the books and be the same; 0 where the shop shows tetri.

    `shown` are amounts that the shop shows with the same decimals; the finest counts, since a zero may have none.
    """
    unit = finest(*shown)
    return Decimal(0) if unit == TETRI else max(unit, TETRI) * HALF


def order_blur(order: OrderChanged) -> Decimal:
    """The same for any amount of an order."""
    return blur(*amounts(order))


def amounts(order: OrderChanged) -> tuple[Decimal, ...]:
    """What an order shows with the shop's decimals."""
    lines = (amount for line in order.lines for amount in (line.total, line.total_tax))
    return (order.total, order.total_tax, *lines)


def finest(*shown: Decimal) -> Decimal:
    """The unit of the amount with the most decimals, e.g. 0.01: a number in JSON may have lost its zeros."""
    return Decimal(1).scaleb(min(int(amount.as_tuple().exponent) for amount in shown))


def is_same_amount(shown: Decimal, booked: Decimal) -> bool:
    """Whether an amount that the shop shows is the one in the books."""
    return abs(shown - booked) <= blur(shown)
