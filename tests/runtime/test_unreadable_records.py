"""Whatever a topic holds that is not ours: set aside with its bytes, once, and the next record proceeds."""

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
from tests.outbox.shelf import NAME, envelope, stock
from tests.outbox.upstream import Upstream
from tests.runtime.house import running, said, until_said

pytestmark = pytest.mark.kafka
GOOD = envelope(stock("good"))
BODY = value(GOOD)


def marks(**changed: bytes | None) -> Headers:
    """A good event's headers, some of them changed."""
    return [(name, changed.get(name, raw)) for name, raw in headers(GOOD)]


TABLE: list[tuple[str, bytes | None, bytes | None, Headers]] = [
    ("record.invalid-data", b"k1", b'{"item": "a", ', marks()),
    ("record.invalid-data", b"k2", b'{"item": 7}', marks()),
    ("record.invalid-data", b"k3", b"", marks()),
    ("record.bad-headers", b"k4", BODY, marks(ce_subject=b"\xff\xfe")),
    ("record.bad-headers", b"k5", BODY, marks(ce_id=None)),
    ("record.bad-headers", b"k6", BODY, ()),
    ("record.tombstone", b"k7", None, marks()),
    ("record.unknown-type", b"k8", BODY, marks(ce_type=b"com.example.Other.v1")),
    ("record.unknown-type", b"k9", BODY, marks(ce_type=b"davtari.StockChanged.v99")),
    ("record.unknown-type", None, b"\x00\xff\x00", marks(ce_type=b"\xe1\x83\xa5")),
]
"""Reason code, and the record as it is written: key, value, headers."""


async def poisoned(topics: Topics) -> None:
    """Every poison of the table, each followed by a fact of an item of its own."""
    for n, (_, key, body, given) in enumerate(TABLE):
        await topics.put(STOCK, key, body, given)
        await topics.send(envelope(stock(f"i{n}")))


def as_written(record: FailedRecord) -> tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]:
    """Key, value and headers out of a dead letter."""

    def raw(text: str | None) -> bytes | None:
        return None if text is None else b64decode(text)

    return raw(record.key), raw(record.value), [(name, raw(text)) for name, text in record.headers]


@pytest.mark.claim("K13")
async def test_each_becomes_one_dead_letter_and_the_next_record_proceeds(topics: Topics, tmp_path: Path) -> None:
    upstream = Upstream()
    await poisoned(topics)
    async with running(topics, tmp_path, upstream):
        await until_said(topics, AvailabilityChanged, AVAILABILITY, len(TABLE))
        letters = await until_said(topics, DeadLettered, DEAD_LETTERS, len(TABLE))
    assert await topics.committed(topics.settings.group(NAME), STOCK) == 2 * len(TABLE)
    assert sorted(key for key, _ in upstream.seen) == sorted(f"i{n}" for n in range(len(TABLE)))
    by_offset = {letter.record.offset: letter for letter in letters if letter.record}
    assert sorted(by_offset) == [2 * n for n in range(len(TABLE))]
    for n, (reason, key, body, given) in enumerate(TABLE):
        letter = by_offset[2 * n]
        assert letter.record is not None
        assert letter.reason == reason
        assert as_written(letter.record) == (key, body, list(given))
        assert letter.record.topic == topics.settings.topic_prefix + STOCK

    async with running(topics, tmp_path, upstream):
        await topics.send(envelope(stock("after a restart")))
        await until_said(topics, AvailabilityChanged, AVAILABILITY, len(TABLE) + 1)
    shutil.rmtree(tmp_path)
    async with running(topics, tmp_path, upstream):
        await topics.send(envelope(stock("after the loss of the database")))
        await until_said(topics, AvailabilityChanged, AVAILABILITY, len(TABLE) + 2)
    assert len(await said(topics, DeadLettered, DEAD_LETTERS)) == len(TABLE)


async def test_a_record_of_several_megabytes_holds_up_nothing(kafka: Broker, topic_prefix: str, tmp_path: Path) -> None:
    async with topics_on(kafka, topic_prefix) as topics:
        await create_topics(topics.settings)
        async with create_producer(topics.settings, "foreign") as foreign:
            await foreign.send_and_wait(topic_prefix + STOCK, value=Random(1).randbytes(3_200_000), key=b"k")
        async with running(topics, tmp_path, Upstream()):
            await topics.send(envelope(stock("a")))
            await until_said(topics, AvailabilityChanged, AVAILABILITY, 1)
            (letter,) = await until_said(topics, DeadLettered, DEAD_LETTERS, 1)
    assert letter.record is not None
    assert len(b64decode(letter.record.value or "")) == 3_200_000
