"""JSON of any content: what other systems send may hold values that no JSON writer and no database takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import orjson

DEEPEST = 100
"""Levels of nesting that are kept; our own documents have fewer than ten."""
TOO_DEEP = "(nested too deeply)"
_WHOLE = range(-(2**63), 2**64)
"""Integers that JSON writers and readers take."""
_LONGEST_BITS = 10_000
"""Longer integers are written in hexadecimal: Python refuses to convert more than 4,300 decimal digits."""


def to_json(content: Any, option: int = 0) -> bytes:
    """The JSON of any content. Values that JSON cannot hold become text; see `plain`. `option` is one of orjson."""
    try:
        return orjson.dumps(content, default=str, option=option)
    except (TypeError, RecursionError):
        return orjson.dumps(plain(content), option=option)


def digest_of(content: Any) -> str:
    """The digest of any content, independent of the order of keys."""
    return blake2b(to_json(content, orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def keep_plain(content: dict[str, Any]) -> dict[str, Any]:
    """The content, made plain if JSON cannot hold it: what an event contains must be readable wherever it is stored."""
    try:
        orjson.dumps(content, default=str)
    except (TypeError, RecursionError):
        return {name: plain(each) for name, each in content.items()}
    return content if is_shallow(content) else {name: plain(each) for name, each in content.items()}


def is_shallow(content: Any) -> bool:
    """Whether no value is nested more than `DEEPEST` levels deep."""
    level = [content]
    for _ in range(DEEPEST):
        level = [each for one in level for each in _children(one)]
        if not level:
            return True
    return False


def _children(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def plain(content: Any, depth: int = DEEPEST) -> Any:
    """The content as plain JSON: integers beyond 64 bits and other values as text, half characters replaced.

    What is nested more than `depth` levels deep is replaced by a text.
    """
    match content:
        case None | bool() | float():
            return content
        case str():
            return content.encode(errors="replace").decode()
        case int():
            return content if content in _WHOLE else _digits(content)
        case Mapping() | list() | tuple() if depth == 0:
            return TOO_DEEP
        case Mapping():
            return {plain(str(name)): plain(each, depth - 1) for name, each in content.items()}
        case list() | tuple():
            return [plain(each, depth - 1) for each in content]
    return plain(str(content))


def _digits(number: int) -> str:
    return str(number) if number.bit_length() < _LONGEST_BITS else hex(number)
