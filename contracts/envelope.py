"""CloudEvents 1.0 in Kafka's binary mode: attributes as `ce_*` headers, the data as the value."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Generic, Protocol, TypeVar
from uuid import UUID, uuid5

from pydantic import ValidationError

from contracts.model import Event, to_utc
from contracts.registry import BY_TYPE
from contracts.validation import describe

NAMESPACE = UUID("0b8a4d6e-3f0e-5c52-9d61-5d1f4b1f7a10")
CONTENT_TYPE = b"application/json"
UNREADABLE = "davtari-unreadable"
"""The header of a record that takes the place of one which the Kafka client cannot read; it says why."""
Headers = Sequence[tuple[str, bytes | None]]
EventT = TypeVar("EventT", bound=Event)
DataT_co = TypeVar("DataT_co", bound=Event, covariant=True)


class Undecodable(Exception):
    """The record cannot be read as one of our events; `code` is its reason code."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail = code, detail


class Cause(Protocol):
    """What brought an event about: an envelope, or what was kept of one."""

    @property
    def id(self) -> str: ...
    @property
    def correlationid(self) -> str: ...
    @property
    def traceparent(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Envelope(Generic[DataT_co]):
    """An event with its CloudEvents attributes. `sequence` is the version of the subject.

    `replayof` names the dead letter that this event corrects.
    """

    id: str
    type: str
    source: str
    subject: str
    time: datetime
    sequence: int
    correlationid: str
    causationid: str | None
    traceparent: str | None
    data: DataT_co
    replayof: str | None = None


def event_id(type_: str, subject: str, version: int) -> str:
    """The id of an event: UUIDv5 of (type, subject, version), so that a repetition has the same id."""
    return str(uuid5(NAMESPACE, f"{type_}|{subject}|{version}"))


def correction_id(type_: str, subject: str, version: int, replayof: str) -> str:
    """The id of an event that corrects a dead letter: another one than the failed event's, the same each time."""
    return str(uuid5(NAMESPACE, f"{type_}|{subject}|{version}|{replayof}"))


def wrap(
    event: EventT,
    *,
    version: int,
    source: str,
    time: datetime,
    cause: Cause | None = None,
    traceparent: str | None = None,
) -> Envelope[EventT]:
    """Give an event its envelope; correlation and trace are taken from what caused it."""
    id_ = event_id(event.TYPE, event.subject, version)
    return Envelope(
        id=id_,
        type=event.TYPE,
        source=source,
        subject=event.subject,
        time=time,
        sequence=version,
        correlationid=cause.correlationid if cause else id_,
        causationid=cause.id if cause else None,
        traceparent=traceparent or (cause.traceparent if cause else None),
        data=event,
    )


def headers(envelope: Envelope[Event]) -> list[tuple[str, bytes]]:
    """The record's headers in CloudEvents' binary mode."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": envelope.id,
        "ce_type": envelope.type,
        "ce_source": envelope.source,
        "ce_subject": envelope.subject,
        "ce_time": envelope.time.isoformat(),
        "ce_partitionkey": envelope.data.key,
        "ce_sequence": str(envelope.sequence),
        "ce_correlationid": envelope.correlationid,
        "ce_causationid": envelope.causationid,
        "ce_replayof": envelope.replayof,
        "traceparent": envelope.traceparent,
    }
    encoded = [(name, value.encode()) for name, value in attributes.items() if value is not None]
    return [*encoded, ("content-type", CONTENT_TYPE)]


def value(envelope: Envelope[Event]) -> bytes:
    """The record's value: the event's data as JSON."""
    return envelope.data.model_dump_json().encode()


def decode(raw_headers: Headers, raw_value: bytes | None) -> Envelope[Event]:
    """Read a record. Raises `Undecodable` with a reason code: nothing else escapes."""
    if raw_value is None:
        raise Undecodable("record.tombstone", "the record has no value (a tombstone); Davtari never writes one")
    attributes = _attributes(raw_headers)
    event_type = BY_TYPE.get(attributes["ce_type"])
    if event_type is None:
        raise Undecodable("record.unknown-type", f"no event type or version {attributes['ce_type']!r} is known here")
    return _envelope(attributes, _data(event_type, raw_value))


def _attributes(raw_headers: Headers) -> dict[str, str]:
    named = [(name, raw) for name, raw in raw_headers if name[:3] == "ce_" or name == "traceparent"]
    try:
        found = {name: raw.decode() for name, raw in named}  # type: ignore[union-attr]  # a null header has no decode
    except (AttributeError, UnicodeDecodeError):
        found = {name: _text(name, raw) for name, raw in named}
    if not found.keys() >= _REQUIRED:
        raise Undecodable("record.bad-headers", _why_missing(raw_headers, _REQUIRED - found.keys()))
    return found


def _why_missing(raw_headers: Headers, missing: Collection[str]) -> str:
    why = dict(raw_headers).get(UNREADABLE)
    return why.decode(errors="replace") if why else f"CloudEvents headers are missing: {', '.join(sorted(missing))}"


_REQUIRED = frozenset({"ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "ce_sequence"})


def _text(name: str, raw: bytes | None) -> str:
    if raw is None:
        raise Undecodable("record.bad-headers", f"the header {name} is null")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Undecodable("record.bad-headers", f"the header {name} is not UTF-8") from None


def _data(event_type: type[Event], raw_value: bytes) -> Event:
    try:
        return event_type.model_validate_json(raw_value)
    except ValidationError as error:
        raise Undecodable("record.invalid-data", describe(error)) from None


def _envelope(attributes: dict[str, str], data: Event) -> Envelope[Event]:
    try:
        time, sequence = _time(attributes["ce_time"]), _sequence(attributes["ce_sequence"])
    except (ValueError, OverflowError) as error:
        raise Undecodable("record.bad-headers", str(error)) from None
    return Envelope(
        id=attributes["ce_id"],
        type=attributes["ce_type"],
        source=attributes["ce_source"],
        subject=attributes["ce_subject"],
        time=time,
        sequence=sequence,
        correlationid=attributes.get("ce_correlationid", attributes["ce_id"]),
        causationid=attributes.get("ce_causationid"),
        traceparent=attributes.get("traceparent"),
        data=data,
        replayof=attributes.get("ce_replayof"),
    )


@lru_cache(maxsize=512)
def _time(text: str) -> datetime:
    """The events of one transaction, often thousands, have one time."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"ce_time {text!r} has no time zone")
    return to_utc(time)


def _sequence(text: str) -> int:
    if not _VERSION.fullmatch(text):
        raise ValueError(f"ce_sequence {text[:40]!r} is not a version: 1, 2, 3 …")
    return int(text)


_VERSION = re.compile(r"[1-9][0-9]{0,17}")
