"""A record of a topic as one line of text or JSON, and the filter that selects records.

The JSON is CloudEvents' structured mode: the `ce_*` headers and the value become one object. Four more attributes give
the record's position: `kafkatopic` (without the prefix), `kafkapartition`, `kafkaoffset`, `kafkatime` (milliseconds).
The record can be restored from it byte by byte. A record for which that is not possible (not a CloudEvent, an unknown
header, a null) is written as base64 bytes under `record`, in the same form as in a dead letter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson
from pydantic import ValidationError

from contracts.connect_headers import ABOUT as CONNECT_HEADERS
from contracts.connect_headers import PREFIX as CONNECT
from contracts.operations import FailedRecord
from contracts.registry import EVENTS
from contracts.topics import BY_NAME, TOPICS
from contracts.validation import plain
from services.engine.kafka.record import Record, restore_record, to_failed_record
from services.engine.printable import make_printable
from services.engine.privacy.keys import TOPIC as KEYS

REQUIRED = ("specversion", "id", "source", "type")
PLACE = ("kafkatopic", "kafkapartition", "kafkaoffset", "kafkatime")
_CONNECT = {CONNECT + name: "connecterrors" + name.replace(".", "") for name in CONNECT_HEADERS}
PLAIN = {"traceparent": "traceparent", "content-type": "datacontenttype", **_CONNECT}
HEADER = {attribute: header for header, attribute in PLAIN.items()}
SUMMARY_FIELDS = (
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


class InvalidExportLine(ValueError):
    """A line of an export that is not a record."""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """A record (its topic without the prefix), and its CloudEvent or None."""

    record: Record
    event: dict[str, Any] | None

    def json(self) -> str:
        """The record as one line of JSON; hidden characters are escaped."""
        content = self.event or {"record": to_failed_record(self.record).model_dump(mode="json")}
        return make_printable(orjson.dumps(content).decode())

    def text(self) -> str:
        """The record as one line of text: time, topic, type, subject, version and the most important fields."""
        if self.event is None:
            at = f"{self.record.topic}, partition {self.record.partition}, offset {self.record.offset}"
            return f"{at}: not a Davtari event; --json shows its bytes"
        event = self.event
        name, time = event["type"].removeprefix("davtari."), event.get("time", "")[:19].replace("T", " ")
        head = f"{time}  {self.record.topic:<18} {name:<22} {event.get('subject')}  v{event.get('sequence')}"
        return f"{head}  {_summarize(event['data'])}".rstrip()


def parse_record(record: Record) -> EventRecord:
    """Read the CloudEvent of a record."""
    try:
        event = _to_structured(record)
        exact = _to_binary(event) == (record.key, record.value, tuple(record.headers))
    except (KeyError, ValueError, AttributeError, TypeError):
        return EventRecord(record, None)
    return EventRecord(record, event if exact else None)


def parse_line(line: bytes) -> Record:
    """Restore a record from its JSON line. Raises `InvalidExportLine`."""
    try:
        content = orjson.loads(line)
        if content.keys() == {"record"}:
            return restore_record(FailedRecord.model_validate(content["record"]))
        return _build_record(content)
    except (ValidationError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidExportLine(f"is neither a CloudEvent nor a record of an export: {plain(error)}") from None


def _summarize(data: Any) -> str:
    fields = data if isinstance(data, dict) else {}
    return " · ".join(str(fields[name]) for name in SUMMARY_FIELDS if fields.get(name) is not None)


def _to_structured(record: Record) -> dict[str, Any]:
    """Raises `ValueError`, `KeyError`, `AttributeError` or `TypeError` if it is not a CloudEvent in binary mode."""
    attributes = {_attribute(name): (raw or b"").decode() for name, raw in record.headers}
    place = (record.topic, record.partition, record.offset, record.timestamp)
    head = {name: attributes[name] for name in REQUIRED}
    content = orjson.loads(record.value or b"")
    return attributes | head | dict(zip(PLACE, place, strict=True)) | {"data": content}


def _attribute(header: str) -> str:
    if header in PLAIN:
        return PLAIN[header]
    if not header.startswith("ce_"):
        raise ValueError(f"{header} is not a CloudEvent attribute")
    return header.removeprefix("ce_")


def _to_binary(event: dict[str, Any]) -> tuple[bytes, bytes, tuple[tuple[str, bytes], ...]]:
    return event["partitionkey"].encode(), orjson.dumps(event["data"]), tuple(_headers(event))


def _headers(event: dict[str, Any]) -> Iterable[tuple[str, bytes]]:
    attributes = (name for name in event if name not in (*PLACE, "data"))
    return ((HEADER.get(name, f"ce_{name}"), event[name].encode()) for name in attributes)


def _build_record(event: dict[str, Any]) -> Record:
    key, value, headers = _to_binary(event)
    topic, partition, offset, timestamp = (event[name] for name in PLACE)
    return Record(topic, partition, offset, timestamp, key, value, headers)


class UnknownName(ValueError):
    """An unknown topic or event type; the message lists the known ones."""


@dataclass(frozen=True)
class EventFilter:
    """Selects records; an empty field or None selects all. `types` may be short names such as `OrderChanged`.

    `shop` excludes events without a shop. `since` (inclusive) and `until` (exclusive) are compared with the time of
    the Kafka record.
    """

    topics: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    keys: Collection[str] = ()
    shop: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @cached_property
    def topics_to_read(self) -> tuple[str, ...]:
        """The chosen topics, or those that contain the chosen types. Raises `UnknownName`.

        The topic with the keys of personal data is read only if chosen: an export of the keys would undo forgetting.
        """
        _check_names("topic", self.topics, BY_NAME)
        containing = (
            {event.TOPIC for event in EVENTS if event.TYPE in self._types} if self.types else set(BY_NAME) - {KEYS}
        )
        chosen = self.topics or containing
        return tuple(topic.name for topic in TOPICS if topic.name in chosen)

    @cached_property
    def _types(self) -> frozenset[str]:
        by_name = {name: event.TYPE for event in EVENTS for name in _names(event.TYPE)}
        _check_names("event type", self.types, by_name)
        return frozenset(by_name[name] for name in self.types)

    def matches(self, one: EventRecord) -> bool:
        """Whether the filter selects the record; one without an event only if neither type nor shop is filtered."""
        return (
            self._matches_time(one.record.timestamp)
            and self._matches_key(one.record.key)
            and self._matches_event(one.event)
        )

    def _matches_time(self, timestamp: int) -> bool:
        since, until = self.since, self.until
        return (since is None or timestamp >= _ms(since)) and (until is None or timestamp < _ms(until))

    def _matches_key(self, key: bytes | None) -> bool:
        return not self.keys or (key or b"").decode(errors="replace") in self.keys

    def _matches_event(self, event: dict[str, Any] | None) -> bool:
        if event is None:
            return not self.types and self.shop is None
        return (not self.types or event["type"] in self._types) and self._matches_shop(event["data"])

    def _matches_shop(self, data: Any) -> bool:
        return self.shop is None or (isinstance(data, dict) and data.get("shop") == self.shop)


def _names(type_: str) -> tuple[str, str, str]:
    short = type_.removeprefix("davtari.")
    return type_, short, short.split(".")[0]


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _check_names(what: str, names: Collection[str], known: Collection[str]) -> None:
    if unknown := [name for name in names if name not in known]:
        raise UnknownName(f"Unknown {what}: {', '.join(unknown)}. Known: {', '.join(known)}")
