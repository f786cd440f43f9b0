"""Takes a person's data out of JSON: it is only in fields named `person`, next to the `person_ref`, or in `sealed`."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import datetime
from typing import Any, Literal

import orjson

PersonalField = Literal["person", "sealed"]
PERSONAL_FIELDS: tuple[PersonalField, ...] = ("person", "sealed")
ORDERED_AT = ("created_at", "order_at")
"""Fields that state when the person gave the data beside them. What is later than the command to forget is kept: a
service that was down reads the command after the orders that followed it."""
RECORD_FIELDS = frozenset({"partition", "offset", "value"})
"""Fields by which the Kafka record inside a dead letter is recognized; its bytes are in base64."""
Stripped = tuple[Any, tuple[PersonalField, ...]]
"""The value without the person, and for each removed copy the field that contained it."""


def without_person(value: Any, ref: str, until: datetime | None = None) -> Stripped:
    """The JSON value without the data of this person, as far as it was given `until` then. Nothing else is changed."""
    if isinstance(value, list):
        parts = [without_person(each, ref, until) for each in value]
        return [part for part, _ in parts], _all_copies(parts)
    if not isinstance(value, dict):
        return value, ()
    if value.keys() >= RECORD_FIELDS and isinstance(value["value"], str):
        return _strip_record(value, ref, until)
    if _is_later(value, until):
        return value, ()
    removed = [name for name in PERSONAL_FIELDS if _is_about(value, ref) and value.get(name) is not None]
    fields: dict[str, Stripped] = {
        name: (None, ()) if name in removed else without_person(part, ref, until) for name, part in value.items()
    }
    return {name: part for name, (part, _) in fields.items()}, (*removed[:1], *_all_copies(list(fields.values())))


def _all_copies(parts: list[Stripped]) -> tuple[PersonalField, ...]:
    return tuple(copy for _, copies in parts for copy in copies)


def _is_about(value: dict[str, Any], ref: str) -> bool:
    person = value.get("person")
    return value.get("person_ref") == ref or (isinstance(person, dict) and person.get("person_ref") == ref)


def _is_later(value: dict[str, Any], until: datetime | None) -> bool:
    return until is not None and any(_is_after(value[name], until) for name in ORDERED_AT if name in value)


def _is_after(stated: Any, until: datetime) -> bool:
    """A text that is no time, as the bytes of an unreadable record may hold, is not after anything."""
    try:
        moment = datetime.fromisoformat(stated)
    except (TypeError, ValueError):
        return False
    return moment.tzinfo is not None and moment > until


def _strip_record(record: dict[str, Any], ref: str, until: datetime | None) -> Stripped:
    """A Kafka record; one that names the person but cannot be searched loses its value.

    It cannot be searched if it is not JSON or nested too deeply.
    """
    try:
        raw = b64decode(record["value"])
    except ValueError:
        return record, ()
    if ref.encode() not in raw:
        return record, ()
    try:
        content, copies = without_person(orjson.loads(raw), ref, until)
    except (orjson.JSONDecodeError, RecursionError):
        return record | {"value": None}, ("person",)
    return (record | {"value": b64encode(orjson.dumps(content)).decode()} if copies else record), copies
