"""A failed record as a person can read it: headers and value as text, the value as data where it is JSON."""

from __future__ import annotations

from typing import Any, Literal

import orjson

from contracts.operations import FailedRecord
from services.cli.dead_letters.masking import MASK, masked, may_hold_people
from services.engine.outbox.record import restored

Form = Literal["base64", "hex", "text"]


def readable(record: FailedRecord) -> dict[str, Any]:
    """Its headers and data. What is not UTF-8 is shown with `\\x` escapes; a value that is no JSON stays a text."""
    raw = restored(record)
    return {"headers": {name: _text(value) for name, value in raw.headers}, "data": _data(raw.value)}


def shown(record: FailedRecord, *, personal: bool) -> dict[str, Any]:
    """The same for whoever may see it: a value that cannot be masked in part is masked as a whole."""
    found = readable(record)
    if personal:
        return found
    hides = not isinstance(found["data"], dict) and found["data"] is not None and may_hold_people(record)
    return {**found, "data": f"{MASK} (--personal shows it)" if hides else masked(found["data"])}


def raw(record: FailedRecord, form: Form) -> str:
    """The bytes of its value."""
    value = restored(record).value or b""
    match form:
        case "base64":
            return record.value or ""
        case "hex":
            return value.hex(" ")
        case _:
            return value.decode(errors="backslashreplace")


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="backslashreplace")


def _data(value: bytes | None) -> Any:
    if value is None:
        return None
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return _text(value)
