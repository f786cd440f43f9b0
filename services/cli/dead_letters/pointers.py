"""JSON pointers (RFC 6901): setting a value in a document, and naming what differs between two."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import orjson

from services.cli.command import InvalidArgument


def set_value(document: Any, assignment: str) -> Any:
    """A copy in which `/a/0/b=VALUE` holds; where a text stands the value is one, elsewhere JSON, else a text.

    Raises `WrongUse`.
    """
    pointer, equals, text = assignment.partition("=")
    if not equals or not pointer.startswith("/"):
        raise InvalidArgument(
            f"--set {assignment!r}: write POINTER=VALUE, for example /document/Date=2026-12-01T00:00:00"
        )
    made = deepcopy(document)
    *way, last = [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]
    holder = made
    for step in way:
        holder = _step_into(holder, step, pointer)
    _assign(holder, last, text, pointer)
    return made


def _parse_value(text: str, before: Any) -> Any:
    """A text stays one, though it look like a number: `01001` and `01001000001` are ids."""
    if isinstance(before, str) and not text.startswith('"'):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _step_into(holder: Any, step: str, pointer: str) -> Any:
    try:
        return holder[int(step)] if isinstance(holder, list) else holder[step]
    except (KeyError, IndexError, ValueError, TypeError):
        raise InvalidArgument(f"--set {pointer}: there is no {step!r} in the payload; show it: "
                       "davtari dead-letters show ID") from None  # fmt: skip


def _assign(holder: Any, last: str, text: str, pointer: str) -> None:
    if isinstance(holder, list):
        holder[int(last)] = _parse_value(text, _step_into(holder, last, pointer))
    elif isinstance(holder, dict):
        holder[last] = _parse_value(text, holder.get(last))
    else:
        raise InvalidArgument(f"--set {pointer}: above {last!r} stands no object and no list")


def find_differences(before: Any, after: Any, at: str = "") -> Iterator[str]:
    """The pointers of all that differs."""
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
    """What stands at a pointer; None where nothing does."""
    found = document
    for step in pointer.removeprefix("/").split("/") if pointer else ():
        name = step.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(name)] if isinstance(found, list) else found[name]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return found


_MISSING = object()
