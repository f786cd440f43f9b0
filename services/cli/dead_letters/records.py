"""Decode failed records for display, and mask the personal data in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import orjson

from contracts.operations import FailedRecord
from services.engine.kafka.record import restore_record
from services.engine.outbox.dead_letters import PERSON

MASK = "•••"
PERSONAL_TOPICS = ("shop.orders", "shop.refunds", "ledger.documents", "commands", "operations", "dead-letters")
"""Topics whose records may contain personal data. A record that is not JSON can only be masked as a whole."""
ByteFormat = Literal["base64", "hex", "text"]


def mask_person(value: Any) -> Any:
    """Mask every value below a `person` field; None remains None."""
    if isinstance(value, Mapping):
        return {name: _mask(part) if name == PERSON else mask_person(part) for name, part in value.items()}
    return [mask_person(part) for part in value] if isinstance(value, list | tuple) else value


def _mask(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _mask(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_mask(part) for part in value]
    return None if value is None else MASK


def may_contain_person(record: FailedRecord) -> bool:
    """Whether the bytes of a record may contain personal data."""
    return record.topic.endswith(PERSONAL_TOPICS)


def decode_record(record: FailedRecord) -> dict[str, Any]:
    """Its headers and data. Bytes that are not UTF-8 become `\\x` escapes; a value that is not JSON remains text."""
    raw = restore_record(record)
    return {"headers": {name: _text(value) for name, value in raw.headers}, "data": _data(raw.value)}


def display_record(record: FailedRecord, *, personal: bool) -> dict[str, Any]:
    """Decode a record, with personal data masked unless `personal`."""
    found = decode_record(record)
    if personal:
        return found
    mask_all = not isinstance(found["data"], dict) and found["data"] is not None and may_contain_person(record)
    return {**found, "data": f"{MASK} (--personal shows it)" if mask_all else mask_person(found["data"])}


def format_bytes(record: FailedRecord, form: ByteFormat) -> str:
    """The bytes of its value in the given format."""
    value = restore_record(record).value or b""
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
