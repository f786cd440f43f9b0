"""JSON pointers (RFC 6901): get and set values, and find the differences between two documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from jsonpointer import JsonPointer, JsonPointerException, escape

from services.cli.command import InvalidArgument

_MISSING = object()


def set_value(document: Any, assignment: str) -> Any:
    """A copy of the document with `/a/0/b=VALUE` applied. Raises `InvalidArgument`.

    VALUE is text if it replaces text; otherwise it is parsed as JSON, and is text if it is not JSON.
    """
    pointer, equals, text = assignment.partition("=")
    if not equals or not pointer.startswith("/"):
        raise InvalidArgument(
            f"--set {assignment!r}: write POINTER=VALUE, for example /document/Date=2026-12-01T00:00:00"
        )
    try:
        value = _parse_value(text, JsonPointer(pointer).resolve(document, None))
        return JsonPointer(pointer).set(document, value, inplace=False)
    except (JsonPointerException, TypeError) as error:
        raise InvalidArgument(f"--set {pointer}: {error}; see davtari dead-letters show ID") from None


def _parse_value(text: str, before: Any) -> Any:
    """Text remains text even if it looks like a number: `01001` and `01001000001` are ids."""
    if isinstance(before, str) and not text.startswith('"'):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def find_differences(before: Any, after: Any, at: str = "") -> Iterator[str]:
    """The pointers of all differences."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *[name for name in after if name not in before]]:
            step = f"{at}/{escape(name)}"
            yield from find_differences(before.get(name, _MISSING), after.get(name, _MISSING), step)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, pair in enumerate(zip(before, after, strict=True)):
            yield from find_differences(*pair, f"{at}/{number}")
    elif before is _MISSING or after is _MISSING or before != after:
        yield at


def get_value(document: Any, pointer: str) -> Any:
    """The value at a pointer; None if there is none."""
    return JsonPointer(pointer).resolve(document, None)
