"""A Kafka record as it was read, before anything is believed of it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from contracts.envelope import Envelope, Headers, Undecodable, decode
from contracts.model import Event
from contracts.operations import FailedRecord
from services.engine.state.positions import Partition, Position


@dataclass(frozen=True, slots=True)
class Record:
    """Raw bytes of a record and where it stood. `topic` is the full name, with the prefix.

    `opened` is what a sealed value says, or why it cannot be opened; `value` stays what was read.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    opened: bytes | Undecodable | None = None

    def read(self) -> Envelope[Event]:
        """The event in it. Raises `Undecodable`."""
        if isinstance(self.opened, Undecodable):
            raise self.opened
        return decode(self.headers, self.value if self.opened is None else self.opened)


def digest_of_record(record: Record) -> str:
    """What tells a record from any other that may stand at its offset."""
    digest = blake2b(str(record.timestamp).encode(), digest_size=12)
    for part in (record.key, record.value, *[raw for _, raw in record.headers]):
        digest.update(b"-" if part is None else len(part).to_bytes(8) + part)
    return digest.hexdigest()


def positions_after(records: Iterable[Record]) -> dict[Partition, Position]:
    """Where each partition stands once these records, in order, are handled."""
    last = {(record.topic, record.partition): record for record in records}
    return {where: Position(record.offset + 1, digest_of_record(record)) for where, record in last.items()}


async def as_they_are(records: Sequence[Record]) -> Sequence[Record]:
    """For records that nobody has sealed."""
    return records


def failed(record: Record) -> FailedRecord:
    """The record for a dead letter, byte for byte."""
    return FailedRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        key=_text(record.key),
        value=_text(record.value),
        headers=tuple((name, _text(raw)) for name, raw in record.headers),
    )


def restored(failed_record: FailedRecord) -> Record:
    """The record out of a dead letter, as it was read."""
    return Record(
        topic=failed_record.topic,
        partition=failed_record.partition,
        offset=failed_record.offset,
        timestamp=failed_record.timestamp,
        key=_bytes(failed_record.key),
        value=_bytes(failed_record.value),
        headers=[(name, _bytes(text)) for name, text in failed_record.headers],
    )


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else b64encode(raw).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)
