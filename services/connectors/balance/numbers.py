"""Numbers as Balance writes them, and as it wants to be written to.

API fact: answers hold JSON numbers, `"1234.5"` or `"1 234,5"` (which space differs); requests hold text with a dot.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

_SPACES = {0x20: None, 0xA0: None, 0x202F: None}
"""Thousands separators: space, no-break space, narrow no-break space."""
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)")


def read_number(value: Any) -> Decimal | None:
    """The exact number in a value of an answer; None for null and empty text.

    Raises `ValueError` for anything else that is no number, also for `"1,234.5"`: with two separators it is not
    certain which one is the decimal's, and a guess could be wrong by a factor of a thousand.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return _read_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("is not a number")
    return _finite(Decimal(str(value)))


def _read_text(text: str) -> Decimal | None:
    digits = text.strip().translate(_SPACES)
    if not digits:
        return None
    if not _NUMBER.fullmatch(digits):
        raise ValueError("is not a number")
    return Decimal(digits.replace(",", "."))


def _finite(number: Decimal) -> Decimal:
    if not number.is_finite():
        raise ValueError("is not a number")
    return number


def write_number(number: Decimal | int) -> str:
    """A number as text with a dot, in its own scale, never with an exponent: `12.50`, `0.0000001`."""
    return format(number, "f") if isinstance(number, Decimal) else str(number)
