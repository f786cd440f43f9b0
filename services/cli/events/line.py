"""A record of a topic as one line: for a person, or as JSON that gives the record back to the byte.

The JSON is CloudEvents' structured mode: what stands in `ce_*` headers and the value become one object. Where the
record stood is told by four more attributes (`kafkatopic` without the prefix, `kafkapartition`, `kafkaoffset`,
`kafkatime` in milliseconds). A record that this form would not give back (no CloudEvent, a foreign header, a null) is
kept as bytes in base64, under `record`, in the same shape as in a dead letter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from contracts.connect_headers import ABOUT as CONNECT_HEADERS
from contracts.connect_headers import PREFIX as CONNECT
from contracts.operations import FailedRecord
from contracts.validation import plain
from services.engine.outbox.record import Record, failed, restored

REQUIRED = ("specversion", "id", "source", "type")
PLACE = ("kafkatopic", "kafkapartition", "kafkaoffset", "kafkatime")
_CONNECT = {CONNECT + name: "connecterrors" + name.replace(".", "") for name in CONNECT_HEADERS}
PLAIN = {"traceparent": "traceparent", "content-type": "datacontenttype", **_CONNECT}
HEADER = {attribute: header for header, attribute in PLAIN.items()}
TOLD = (
    "status",
    "action",
    "how",
    "outcome",
    "sku",
    "name",
    "quantity",
    "total",
    "amount",
    "currency",
    "reason",
    "what",
)


class BadLine(ValueError):
    """A line of an export that no record can be made of."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A record (its topic without the prefix) and the CloudEvent that it holds, or None if it holds none."""

    record: Record
    event: dict[str, Any] | None

    def json(self) -> str:
        """The record as JSON, in one line."""
        content = self.event or {"record": failed(self.record).model_dump(mode="json")}
        return orjson.dumps(content).decode()

    def text(self) -> str:
        """The record for a person: when, where, what, about whom, its version, and its most telling fields."""
        if self.event is None:
            at = f"{self.record.topic}, partition {self.record.partition}, offset {self.record.offset}"
            return f"{at}: no event of Davtari; --json shows its bytes"
        event = self.event
        name, time = event["type"].removeprefix("davtari."), event.get("time", "")[:19].replace("T", " ")
        head = f"{time}  {self.record.topic:<18} {name:<22} {event.get('subject')}  v{event.get('sequence')}"
        return f"{head}  {_telling(event['data'])}".rstrip()


def heard(record: Record) -> Heard:
    """The record with what it says."""
    try:
        event = _structured(record)
        exact = _binary(event) == (record.key, record.value, tuple(record.headers))
    except (KeyError, ValueError, AttributeError, TypeError):
        return Heard(record, None)
    return Heard(record, event if exact else None)


def record_of(line: bytes) -> Record:
    """The record out of its JSON. Raises `BadLine`."""
    try:
        content = orjson.loads(line)
        if content.keys() == {"record"}:
            return restored(FailedRecord.model_validate(content["record"]))
        return _record(content)
    except (ValidationError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadLine(f"is neither a CloudEvent nor a record of an export: {plain(error)}") from None


def _telling(data: Any) -> str:
    fields = data if isinstance(data, dict) else {}
    return " · ".join(str(fields[name]) for name in TOLD if fields.get(name) is not None)


def _structured(record: Record) -> dict[str, Any]:
    """Raises `ValueError`, `KeyError`, `AttributeError` or `TypeError` for what is no CloudEvent in binary mode."""
    attributes = {_attribute(name): (raw or b"").decode() for name, raw in record.headers}
    place = (record.topic, record.partition, record.offset, record.timestamp)
    head = {name: attributes[name] for name in REQUIRED}
    content = orjson.loads(record.value or b"")
    return attributes | head | dict(zip(PLACE, place, strict=True)) | {"data": content}


def _attribute(header: str) -> str:
    if header in PLAIN:
        return PLAIN[header]
    if not header.startswith("ce_"):
        raise ValueError(f"{header} is no attribute of a CloudEvent")
    return header.removeprefix("ce_")


def _binary(event: dict[str, Any]) -> tuple[bytes, bytes, tuple[tuple[str, bytes], ...]]:
    return event["partitionkey"].encode(), orjson.dumps(event["data"]), tuple(_headers(event))


def _headers(event: dict[str, Any]) -> Iterable[tuple[str, bytes]]:
    attributes = (name for name in event if name not in (*PLACE, "data"))
    return ((HEADER.get(name, f"ce_{name}"), event[name].encode()) for name in attributes)


def _record(event: dict[str, Any]) -> Record:
    key, value, headers = _binary(event)
    topic, partition, offset, timestamp = (event[name] for name in PLACE)
    return Record(topic, partition, offset, timestamp, key, value, headers)
