"""Records as aiokafka hands them out."""

from __future__ import annotations

from aiokafka import ConsumerRecord

from services.engine.outbox.record import Record


def record_of(raw: ConsumerRecord[bytes, bytes]) -> Record:
    """The record as ours."""
    return Record(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        timestamp=raw.timestamp,
        key=raw.key,
        value=raw.value,
        headers=raw.headers,
    )
