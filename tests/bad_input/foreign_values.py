"""Values that are valid JSON, or nearly so, and that some database, number or reader cannot take; as raw JSON text."""

from __future__ import annotations

import json
from typing import Any

HERE = "@here@"
"""Marks the place of the value in a record."""
VALUES: dict[str, str] = {
    "the first half of a surrogate pair": r'"\ud800"',
    "the second half of a surrogate pair": r'"a\udc00"',
    "an integer beyond 64 bits": str(2**70),
    "a negative integer beyond 64 bits": str(-(2**70)),
    "an integer of 5,000 digits": "9" * 5000,
    "lists nested 300 deep": "[" * 300 + "]" * 300,
    "objects nested 900 deep": '{"a":' * 900 + "1" + "}" * 900,
    "lists nested 100,000 deep": "[" * 100_000 + "]" * 100_000,
    "text in lists nested 2,000 deep": "[" * 2000 + r'"]\"]"' + "]" * 2000,
    "a moment before the year 1": '"0001-01-01T00:00:00+14:00"',
    "the first moment": '"0001-01-01T00:00:00"',
    "a moment after the year 9999": '"9999-12-31T23:59:59-12:00"',
    "the last moment": '"9999-12-31T23:59:59"',
    "NaN": "NaN",
    "infinity": "-Infinity",
    "an exponent that no number takes": "1e999999999999999999999",
    "an exponent that fills the memory": "1e400000000",
    "a fraction that fills the memory": "1e-400000000",
}


def raw_json(content: Any, value: str) -> str:
    """The JSON of a content with the value in each marked place."""
    return json.dumps(content).replace(json.dumps(HERE), value)


def marked(record: Any, *way: Any) -> Any:
    """A copy of the record whose value at this place is marked."""
    if not way:
        return HERE
    step, *further = way
    if isinstance(record, list):
        return [marked(each, *further) if at == step else each for at, each in enumerate(record)]
    return {**record, step: marked(record.get(step), *further)}
