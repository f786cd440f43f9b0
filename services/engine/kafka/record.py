"""A Kafka record as raw bytes, before it is decoded."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from aiokafka import ConsumerRecord

from contracts.envelope import UNREADABLE, Envelope, Headers, Undecodable, decode
from contracts.model import Event
from contracts.operations import FailedRecord
from services.engine.state.store import Partition, Position


@dataclass(frozen=True, slots=True)
class Record:
    """The bytes of a record and its position. `topic` is the full name, with the prefix.

    `opened` is the value with its sealed part decrypted, or why it must not or cannot be read; `value` keeps the bytes
    that were read. `earlier`: it was written before anything was signed, and counts as it is. `restored`: it is from
    a dead letter.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    opened: bytes | Undecodable | None = None
    earlier: bool = False
    restored: bool = field(default=False, compare=False)

    def read(self) -> Envelope[Event]:
        """Decode the event. Raises `Undecodable`."""
        if isinstance(self.opened, Undecodable):
            raise self.opened
        return decode(self.headers, self.value if self.opened is None else self.opened)


def read_all(records: Iterable[Record]) -> list[Envelope[Event] | Undecodable]:
    """Decode each record; the error takes the place of one that is not an event."""
    return [_read(record) for record in records]


def _read(record: Record) -> Envelope[Event] | Undecodable:
    try:
        return record.read()
    except Undecodable as error:
        return error


def from_aiokafka(raw: ConsumerRecord[bytes, bytes]) -> Record:
    """The record that aiokafka delivered."""
    return Record(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        timestamp=raw.timestamp,
        key=raw.key,
        value=raw.value,
        headers=raw.headers,
    )


def digest_of_record(record: Record) -> str:
    """A digest that differs for any other record at the same offset."""
    digest = blake2b(str(record.timestamp).encode(), digest_size=12)
    for part in (record.key, record.value, *[raw for name, raw in record.headers if name != UNREADABLE]):
        digest.update(b"-" if part is None else len(part).to_bytes(8) + part)
    return digest.hexdigest()


def positions_after(records: Iterable[Record]) -> dict[Partition, Position]:
    """The position of each partition once these records, in order, are processed."""
    last = {(record.topic, record.partition): record for record in records}
    return {partition: Position(record.offset + 1, digest_of_record(record)) for partition, record in last.items()}


async def as_they_are(records: Sequence[Record]) -> Sequence[Record]:
    """Return the records unchanged: none of them is sealed."""
    return records


def to_failed_record(record: Record) -> FailedRecord:
    """The record for a dead letter, byte for byte."""
    return FailedRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        key=_to_base64(record.key),
        value=_to_base64(record.value),
        headers=tuple((name, _to_base64(raw)) for name, raw in record.headers),
    )


def restore_record(failed_record: FailedRecord) -> Record:
    """The record from a dead letter, as it was read."""
    return Record(
        topic=failed_record.topic,
        partition=failed_record.partition,
        offset=failed_record.offset,
        timestamp=failed_record.timestamp,
        key=_from_base64(failed_record.key),
        value=_from_base64(failed_record.value),
        headers=[(name, _from_base64(text)) for name, text in failed_record.headers],
        restored=True,
    )


def _to_base64(raw: bytes | None) -> str | None:
    return None if raw is None else b64encode(raw).decode()


def _from_base64(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)
