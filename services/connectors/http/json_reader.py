"""Reads the JSON of upstreams: numbers are exact, and one value that nothing can hold does not spoil the others.

Numbers of too many digits, exponents out of range, NaN and Infinity become text, which the reader of their field
refuses. What is nested too deeply is replaced by a text.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from json import JSONDecodeError, JSONDecoder
from typing import Any

from contracts.json_text import DEEPEST, TOO_DEEP

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[][{}]', re.DOTALL)
"""A string, also one that is cut off at the end of the text, or a bracket."""
_CUT = json.dumps(TOO_DEEP)


def _to_decimal(digits: str) -> Any:
    try:
        return Decimal(digits)
    except ArithmeticError:
        return digits


def _to_int(digits: str) -> Any:
    try:
        return int(digits)
    except ValueError:
        return digits


_FAST = JSONDecoder(parse_float=Decimal, parse_constant=str)
_TOLERANT = JSONDecoder(parse_float=_to_decimal, parse_int=_to_int, parse_constant=str)


def read_json(text: str) -> Any:
    """The value of a text. Raises `ValueError` when the text is not JSON."""
    stripped = text.strip()
    try:
        value, end = read_value(stripped, 0)
    except RecursionError:
        return _read_nested(stripped)
    if end != len(stripped):
        raise JSONDecodeError("Extra data", text, end)
    return value


def _read_nested(text: str) -> Any:
    try:
        return _TOLERANT.decode(cut_nesting(text))
    except RecursionError:
        raise ValueError("nested too deeply, and without an end") from None


def read_value(text: str, at: int) -> tuple[Any, int]:
    """The value that begins at this position, and where it ends.

    Raises `JSONDecodeError`, and `RecursionError` for a value that is nested too deeply.
    """
    try:
        return _FAST.raw_decode(text, at)
    except JSONDecodeError:
        raise
    except (ValueError, ArithmeticError):
        return _TOLERANT.raw_decode(text, at)


def cut_nesting(text: str, deepest: int = DEEPEST) -> str:
    """The text with values that are nested more deeply replaced; a value that has no end yet is left alone."""
    parts: list[str] = []
    depth = begin = end = 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
            begin = token.start() if depth == deepest + 1 else begin
        elif token[0] in "]}":
            depth -= 1
            if depth == deepest:
                parts += (text[end:begin], _CUT)
                end = token.end()
    return "".join([*parts, text[end:]])
