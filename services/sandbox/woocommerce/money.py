"""Amounts as WooCommerce writes them: strings, rounded half up."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

NOT_LAST_DOT = re.compile(r"\.(?=.*\.)")
NOT_NUMERIC = re.compile(r"[^0-9.-]")
SIX = Decimal("0.000001")


def price_text(value: Any) -> str:
    """A price as WooCommerce stores what it is given: "10,50" becomes "1050", "abc" becomes "" (API fact: recorded)."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return NOT_LAST_DOT.sub("", NOT_NUMERIC.sub("", "" if value is None else str(value)))


def decimal(value: Any) -> Decimal:
    """The amount that a price text means; nothing is zero."""
    text = price_text(value)
    return Decimal(text) if any(char.isdigit() for char in text) else Decimal(0)


def two(amount: Decimal) -> str:
    """An amount with two decimals."""
    return str(rounded(amount))


def rounded(amount: Decimal) -> Decimal:
    """An amount rounded to two decimals, half away from zero, never a negative zero."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP) + Decimal("0.00")


def six(amount: Decimal) -> Decimal:
    """An amount rounded to the six decimals that WooCommerce calculates with."""
    return amount.quantize(SIX, ROUND_HALF_UP)


def trimmed(amount: Decimal) -> str:
    """At most six decimals, no trailing zeros: "13.881356", "0.9", "0"."""
    text = f"{six(amount):f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0", "-") else text


def number(amount: Decimal) -> int | float:
    """A JSON number, as the `price` of an order line is one."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)
