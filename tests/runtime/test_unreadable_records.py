"""A foreign record in a topic is parked once with its bytes, and the next record is handled."""

from __future__ import annotations

import shutil
from base64 import b64decode
from pathlib import Path
from random import Random

import pytest

from contracts.catalog import AvailabilityChanged
from contracts.envelope import headers, value
from contracts.operations import DeadLettered, FailedRecord
from services.demo.kafka import Broker
from services.engine.kafka.connection import create_producer
from services.engine.kafka.topics import create_topics
from tests.kafka.topics import AVAILABILITY, DEAD_LETTERS, STOCK, Headers, Topics, topics_on
from tests.outbox.fake_upstream import Upstream
from tests.outbox.sample_service import NAME, envelope, stock
from tests.runtime.running_service import events_of, run_service, wait_for_events

pytestmark = pytest.mark.kafka
GOOD = envelope(stock("good"))
BODY = value(GOOD)


def changed_headers(**changed: bytes | None) -> Headers:
    """The headers of a valid event, some of them changed."""
    return [(name, changed.get(name, raw)) for name, raw in headers(GOOD)]


RECORDS: list[tuple[str, bytes | None, bytes | None, Headers]] = [
    ("record.invalid-data", b"k1", b'{"item": "a", ', changed_headers()),
    ("record.invalid-data", b"k2", b'{"item": 7}', changed_headers()),
    ("record.invalid-data", b"k3", b"", changed_headers()),
    ("record.bad-headers", b"k4", BODY, changed_headers(ce_subject=b"\xff\xfe")),
    ("record.bad-headers", b"k5", BODY, changed_headers(ce_id=None)),
    ("record.bad-headers", b"k6", BODY, ()),
    ("record.tombstone", b"k7", None, changed_headers()),
    ("record.unknown-type", b"k8", BODY, changed_headers(ce_type=b"com.example.Other.v1")),
    ("record.unknown-type", b"k9", BODY, changed_headers(ce_type=b"davtari.StockChanged.v99")),
    ("record.unknown-type", None, b"\x00\xff\x00", changed_headers(ce_type=b"\xe1\x83\xa5")),
]
"""Reason code, and the record: key, value, headers."""


async def publish_poison(topics: Topics) -> None:
    """Publish every record of the table, each followed by a fact about another item."""
    for n, (_, key, body, record_headers) in enumerate(RECORDS):
        await topics.put(STOCK, key, body, record_headers)
        await topics.send(envelope(stock(f"i{n}")))


def as_written(record: FailedRecord) -> tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]:
    """Key, value and headers of the record in a dead letter."""

    def raw(text: str | None) -> bytes | None:
        return None if text is None else b64decode(text)

    return raw(record.key), raw(record.value), [(name, raw(text)) for name, text in record.headers]


@pytest.mark.claim("K13")
async def test_each_unreadable_record_becomes_one_dead_letter_and_the_next_is_handled(
    topics: Topics, tmp_path: Path
) -> None:
    upstream = Upstream()
    await publish_poison(topics)
    async with run_service(topics, tmp_path, upstream):
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, len(RECORDS))
        dead_letters = await wait_for_events(topics, DeadLettered, DEAD_LETTERS, len(RECORDS))
    assert await topics.committed(topics.settings.group(NAME), STOCK) == 2 * len(RECORDS)
    assert sorted(key for key, _ in upstream.seen) == sorted(f"i{n}" for n in range(len(RECORDS)))
    by_offset = {dead_letter.record.offset: dead_letter for dead_letter in dead_letters if dead_letter.record}
    assert sorted(by_offset) == [2 * n for n in range(len(RECORDS))]
    for n, (reason, key, body, record_headers) in enumerate(RECORDS):
        dead_letter = by_offset[2 * n]
        assert dead_letter.record is not None
        assert dead_letter.reason == reason
        assert as_written(dead_letter.record) == (key, body, list(record_headers))
        assert dead_letter.record.topic == topics.settings.topic_prefix + STOCK

    async with run_service(topics, tmp_path, upstream):
        await topics.send(envelope(stock("after a restart")))
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, len(RECORDS) + 1)
    shutil.rmtree(tmp_path)
    async with run_service(topics, tmp_path, upstream):
        await topics.send(envelope(stock("after the loss of the database")))
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, len(RECORDS) + 2)
    assert len(await events_of(topics, DeadLettered, DEAD_LETTERS)) == len(RECORDS)


async def test_a_record_of_several_megabytes_delays_nothing(kafka: Broker, topic_prefix: str, tmp_path: Path) -> None:
    async with topics_on(kafka, topic_prefix) as topics:
        await create_topics(topics.settings)
        async with create_producer(topics.settings, "foreign") as foreign:
            await foreign.send_and_wait(topic_prefix + STOCK, value=Random(1).randbytes(3_200_000), key=b"k")
        async with run_service(topics, tmp_path, Upstream()):
            await topics.send(envelope(stock("a")))
            await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 1)
            (dead_letter,) = await wait_for_events(topics, DeadLettered, DEAD_LETTERS, 1)
    assert dead_letter.record is not None
    assert len(b64decode(dead_letter.record.value or "")) == 3_200_000
