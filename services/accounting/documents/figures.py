"""How figures and dates are written in a document for Balance.

Balance facts 10 and 11: numbers are text with a dot; dates are Tbilisi time without a zone, at midnight.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from contracts.money import TETRI, to_tetri
from contracts.shop import OrderChanged

COMMENT_LIMIT = 1000
"""Balance fact 18: longer comments are cut."""
PRICE_DECIMALS = range(4, 13)
"""With 2 decimals quantity × price misses the line in half of all orders, with 4 in none (rule 6)."""


def midnight(date: str) -> str:
    """A day (`YYYY-MM-DD`) as Balance's date-time."""
    return f"{date}T00:00:00"


def amount(value: Decimal) -> str:
    """Money with two decimals. The value must be whole tetri."""
    return format(value.quantize(TETRI), "f")


def number(value: Decimal) -> str:
    """A quantity or percentage without trailing zeros: `2`, `0.5`, `100`."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def unit_price(total: Decimal, quantity: Decimal) -> str:
    """The price of one unit, with enough decimals (at least 4) for quantity × price to round to `total` (rule 6)."""
    exact = total / quantity
    for decimals in PRICE_DECIMALS:
        price = exact.quantize(Decimal(1).scaleb(-decimals))
        if to_tetri(price * quantity) == total:
            break
    return format(price, "f")


def without_empty(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that are not empty: Balance applies its own defaults to the others (Balance fact 13)."""
    return {name: value for name, value in fields.items() if value not in (None, "")}


# Comparing amounts of the shop with those of the books, whatever decimals the shop shows them with.
#
# A shop whose decimals were changed shows the same order as `100` instead of `99.70`, or as `39.333`.

HALF = Decimal("0.5")


def blur(*shown: Decimal) -> Decimal:
    """By how much an amount may differ from that in the books and still be equal; 0 if the shop shows tetri.

    `shown` are amounts that the shop shows with the same decimals; the finest counts, since a zero may have none.
    """
    unit = finest(*shown)
    return Decimal(0) if unit == TETRI else max(unit, TETRI) * HALF


def order_blur(order: OrderChanged) -> Decimal:
    """The same for any amount of an order."""
    return blur(*amounts(order))


def amounts(order: OrderChanged) -> tuple[Decimal, ...]:
    """The amounts of an order, which have the shop's decimals."""
    lines = (amount for line in order.lines for amount in (line.total, line.total_tax))
    return (order.total, order.total_tax, *lines)


def finest(*shown: Decimal) -> Decimal:
    """The unit of the amount with the most decimals, e.g. 0.01: a number in JSON may have lost its zeros."""
    return Decimal(1).scaleb(min(int(amount.as_tuple().exponent) for amount in shown))


def is_same_amount(shown: Decimal, booked: Decimal) -> bool:
    """Whether an amount that the shop shows is the one in the books."""
    return abs(shown - booked) <= blur(shown)
