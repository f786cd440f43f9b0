"""JSON without the personal data of one person: all of it stands in `person`, beside the `person_ref` it belongs to."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import Any, Literal

import orjson

Part = Literal["person", "sealed"]
PARTS: tuple[Part, ...] = ("person", "sealed")
"""What holds personal data; the second is the first as it stands on the wire."""
RECORD = frozenset({"partition", "offset", "value"})
"""The names by which a Kafka record is known that a dead letter holds, its bytes in base64."""
Stripped = tuple[Any, tuple[Part, ...]]
"""The value without the person, and for each copy that it held what it stood in: in clear, or sealed."""


def without_person(value: Any, ref: str) -> Stripped:
    """The value without what it says of this person. Nothing else is changed."""
    if isinstance(value, list):
        parts = [without_person(each, ref) for each in value]
        return [part for part, _ in parts], _together(parts)
    if not isinstance(value, dict):
        return value, ()
    if value.keys() >= RECORD and isinstance(value["value"], str):
        return _without_bytes(value, ref)
    gone = [name for name in PARTS if _is_about(value, ref) and value.get(name) is not None]
    inner: dict[str, Stripped] = {
        name: (None, ()) if name in gone else without_person(part, ref) for name, part in value.items()
    }
    return {name: part for name, (part, _) in inner.items()}, (*gone[:1], *_together(list(inner.values())))


def _together(parts: list[Stripped]) -> tuple[Part, ...]:
    return tuple(copy for _, copies in parts for copy in copies)


def _is_about(value: dict[str, Any], ref: str) -> bool:
    person = value.get("person")
    return value.get("person_ref") == ref or (isinstance(person, dict) and person.get("person_ref") == ref)


def _without_bytes(record: dict[str, Any], ref: str) -> Stripped:
    """A record byte for byte: one that is no JSON and names the person loses its value, since nobody can read it."""
    try:
        raw = b64decode(record["value"])
        if ref.encode() not in raw:
            return record, ()
        told, copies = without_person(orjson.loads(raw), ref)
    except binascii.Error:
        return record, ()
    except orjson.JSONDecodeError:
        return record | {"value": None}, ("person",)
    return (record | {"value": b64encode(orjson.dumps(told)).decode()} if copies else record), copies
