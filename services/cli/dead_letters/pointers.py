"""JSON pointers (RFC 6901): get and set values, and find the differences between two documents."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import orjson

from services.cli.command import InvalidArgument


def set_value(document: Any, assignment: str) -> Any:
    """A copy of the document with `/a/0/b=VALUE` applied. Raises `InvalidArgument`.

    VALUE is text if it replaces text; otherwise it is parsed as JSON, and is text if it is not JSON.
    """
    pointer, equals, text = assignment.partition("=")
    if not equals or not pointer.startswith("/"):
        raise InvalidArgument(
            f"--set {assignment!r}: write POINTER=VALUE, for example /document/Date=2026-12-01T00:00:00"
        )
    copy = deepcopy(document)
    *steps, last = [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]
    parent = copy
    for step in steps:
        parent = _step_into(parent, step, pointer)
    _assign(parent, last, text, pointer)
    return copy


def _parse_value(text: str, before: Any) -> Any:
    """Text remains text even if it looks like a number: `01001` and `01001000001` are ids."""
    if isinstance(before, str) and not text.startswith('"'):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _step_into(parent: Any, step: str, pointer: str) -> Any:
    try:
        return parent[int(step)] if isinstance(parent, list) else parent[step]
    except (KeyError, IndexError, ValueError, TypeError):
        raise InvalidArgument(
            f"--set {pointer}: the payload has no {step!r}; see davtari dead-letters show ID"
        ) from None


def _assign(parent: Any, last: str, text: str, pointer: str) -> None:
    if isinstance(parent, list):
        parent[int(last)] = _parse_value(text, _step_into(parent, last, pointer))
    elif isinstance(parent, dict):
        parent[last] = _parse_value(text, parent.get(last))
    else:
        raise InvalidArgument(f"--set {pointer}: the parent of {last!r} is neither an object nor a list")


def find_differences(before: Any, after: Any, at: str = "") -> Iterator[str]:
    """The pointers of all differences."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *[name for name in after if name not in before]]:
            step = name.replace("~", "~0").replace("/", "~1")
            yield from find_differences(before.get(name, _MISSING), after.get(name, _MISSING), f"{at}/{step}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, pair in enumerate(zip(before, after, strict=True)):
            yield from find_differences(*pair, f"{at}/{number}")
    elif before is _MISSING or after is _MISSING or before != after:
        yield at


def get_value(document: Any, pointer: str) -> Any:
    """The value at a pointer; None if there is none."""
    found = document
    for step in pointer.removeprefix("/").split("/") if pointer else ():
        name = step.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(name)] if isinstance(found, list) else found[name]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return found


_MISSING = object()
