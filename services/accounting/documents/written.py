"""How figures and dates are written in a document for Balance.

API fact: numbers are text with a dot; dates are Tbilisi time without a zone, at midnight.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from contracts.money import TETRI, to_tetri

COMMENT_LIMIT = 1000
"""API fact: longer comments are cut."""
PRICE_DECIMALS = range(4, 13)
"""With 2 decimals quantity × price misses the line in half of all orders, with 4 in none (order-money rule 6)."""


def midnight(date: str) -> str:
    """A day (`YYYY-MM-DD`) as Balance's date-time."""
    return f"{date}T00:00:00"


def amount(value: Decimal) -> str:
    """Money with two decimals. The value must be whole tetri."""
    return format(value.quantize(TETRI), "f")


def number(value: Decimal) -> str:
    """A quantity or percentage without needless zeros: `2`, `0.5`, `100`."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def unit_price(total: Decimal, quantity: Decimal) -> str:
    """What one unit costs, with as many decimals (at least 4) as it takes for quantity × price to round to `total`."""
    exact = total / quantity
    for decimals in PRICE_DECIMALS:
        price = exact.quantize(Decimal(1).scaleb(-decimals))
        if to_tetri(price * quantity) == total:
            break
    return format(price, "f")


def without_empty(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that say something: Balance applies its own defaults to those left out (API fact)."""
    return {name: value for name, value in fields.items() if value not in (None, "")}
