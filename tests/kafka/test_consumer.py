"""Batches from the real broker: they are read on from where what was taken ends, whatever was committed."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError

from services.engine.kafka.connection import read_last_offsets
from services.engine.kafka.consumer import Consumer, wait_until_caught_up
from services.engine.kafka.record import Record
from tests.kafka.topics import STOCK, Taker, Topics, consuming, eventually
from tests.outbox.shelf import envelope, stock

pytestmark = pytest.mark.kafka


async def stocked(topics: Topics, *numbers: int) -> None:
    """One stock fact of each number."""
    await topics.send(*[envelope(stock(f"i{number}"), version=1) for number in numbers])


async def test_records_arrive_as_they_are_in_the_topic(topics: Topics) -> None:
    await topics.put(STOCK, b"k\xff", b"\x00\xff", [("a", b"\xff\xfe"), ("null", None)])
    await topics.put(STOCK, b"k", None)
    async with consuming(topics, taker := Taker()):
        await taker.has(2)
    first, tombstone = taker.batches[0]
    assert (first.key, first.value) == (b"k\xff", b"\x00\xff")
    assert list(first.headers) == [("a", b"\xff\xfe"), ("null", None)]
    assert (tombstone.key, tombstone.value, tombstone.offset) == (b"k", None, 1)
    assert first.topic == topics.settings.topic_prefix + STOCK


async def test_a_batch_that_fails_is_taken_again_and_nothing_is_skipped(topics: Topics) -> None:
    await stocked(topics, *range(10))
    taker = Taker(failures=2)
    async with consuming(topics, taker, max_records=5):
        await taker.has(10)
        await eventually(committed(topics, 10), "the offset 10 is committed")
    assert taker.offsets == list(range(10))


async def test_a_batch_that_fails_for_an_hour_is_not_skipped(topics: Topics, monkeypatch: pytest.MonkeyPatch) -> None:
    hours = iter(range(0, 3600 * 1000, 3600))
    monkeypatch.setattr("tenacity.time", SimpleNamespace(monotonic=lambda: next(hours)))
    await stocked(topics, 0, 1, 2)
    taker = Taker(failures=2)
    async with consuming(topics, taker, max_records=1):
        await taker.has(3)
    assert taker.offsets == [0, 1, 2]


class Bounded(Taker):
    """Bounds its work in time, as whatever waits for a database does: the timer outlives the work."""

    async def take(self, records: Sequence[Record]) -> None:
        """Take a batch within a minute."""
        async with asyncio.timeout(60):
            await super().take(records)


async def test_batches_that_are_done_are_let_go(topics: Topics) -> None:
    """However many were read at a stretch: memory must not grow with a backlog."""
    await stocked(topics, *range(1000))
    async with consuming(topics, taker := Bounded(), max_records=20):
        await taker.has(1000)
        await eventually(committed(topics, 1000), "the offset 1000 is committed")
        gc.collect()
        alive = sum(isinstance(each, ConsumerRecord) for each in gc.get_objects())
    assert alive <= 2 * 20


def committed(topics: Topics, offset: int):  # type: ignore[no-untyped-def]
    """Whether the group of the test has committed this offset."""

    async def there() -> bool:
        return await topics.committed(topics.settings.topic_prefix + "g", STOCK) == offset

    return there


async def test_nothing_is_committed_before_it_is_durable(topics: Topics) -> None:
    under_way, go_on = asyncio.Event(), asyncio.Event()

    async def take(records: object) -> None:
        under_way.set()
        await go_on.wait()

    await stocked(topics, 0, 1)
    group = topics.settings.topic_prefix + "g"
    consumer = Consumer(topics.settings, [STOCK], group, "one", take, {})
    await consumer.start()
    await under_way.wait()
    assert await topics.committed(group, STOCK) is None
    go_on.set()
    await eventually(committed(topics, 2), "the offset 2 is committed")
    await consumer.stop()


async def test_a_restarted_consumer_goes_on_where_it_was(topics: Topics) -> None:
    await stocked(topics, 0, 1)
    async with consuming(topics, taker := Taker()):
        await taker.has(2)
    await stocked(topics, 2)
    async with consuming(topics, taker):
        await taker.has(3)
    assert taker.offsets == [0, 1, 2]


@pytest.mark.claim("K32")
async def test_what_was_committed_and_is_not_known_here_is_read_again(topics: Topics) -> None:
    """Given a state that is older than the committed offsets: a copy, a snapshot, a lost write-ahead log."""
    await stocked(topics, *range(10))
    older = Taker()
    async with consuming(topics, newer := Taker(), max_records=4):
        await newer.has(10)
        await eventually(committed(topics, 10), "the offset 10 is committed")
        older.batches = newer.batches[:1]
    async with consuming(topics, older):
        await older.has(10)
    assert older.offsets == list(range(10))


async def test_without_a_position_a_topic_is_read_from_its_beginning(topics: Topics) -> None:
    await stocked(topics, 0, 1)
    async with consuming(topics, one := Taker()):
        await one.has(2)
        await eventually(committed(topics, 2), "the offset 2 is committed")
    async with consuming(topics, two := Taker()):
        await two.has(2)
    assert two.offsets == [0, 1]


async def test_a_member_that_vanished_without_goodbye_is_replaced_at_once(topics: Topics) -> None:
    """Given a consumer that is cut off hard, its heir need not wait for the 10 s of its session."""
    await stocked(topics, 0)
    async with consuming(topics, lost := Taker()):
        await lost.has(1)
        begun = time.monotonic()
        heir = Taker([*lost.batches])
        async with consuming(topics, heir) as consumer:
            await consumer.assignment.complete.wait()
            assert time.monotonic() - begun < 8
            await stocked(topics, 1)
            await heir.has(2)
    assert heir.offsets == [0, 1]


async def test_large_records_are_read(topics: Topics) -> None:
    await topics.create("large")
    body = bytes(range(256)) * 3000
    await topics.put("large", b"k", body)
    async with consuming(topics, taker := Taker(), "large"):
        await taker.has(1)
    assert taker.batches[0][0].value == body


async def gate(topics: Topics, taker: Taker, *names: str) -> None:
    """Open a consumer and wait until it has caught up."""
    async with consuming(topics, taker, *names) as consumer, asyncio.timeout(15):
        await wait_until_caught_up(consumer)


async def test_the_gate_opens_when_everything_from_before_the_start_is_processed(topics: Topics) -> None:
    await topics.create("empty", "three", partitions=3)
    await stocked(topics, *range(50))
    await gate(topics, taker := Taker(), STOCK, "empty", "three")
    assert len(taker.offsets) == 50


async def test_the_gate_opens_at_once_when_there_is_nothing_to_read(topics: Topics) -> None:
    await gate(topics, Taker(), STOCK)


async def test_the_gate_opens_when_everything_was_read_before(topics: Topics) -> None:
    await stocked(topics, *range(5))
    await gate(topics, taker := Taker())
    await gate(topics, taker)
    assert taker.offsets == list(range(5))


async def test_the_gate_waits_for_a_batch_that_is_not_durable_yet(topics: Topics) -> None:
    await stocked(topics, 0)
    taker = Taker(failures=3)
    await gate(topics, taker)
    assert (taker.failures, taker.offsets) == (0, [0])


async def test_the_gate_opens_over_records_that_are_gone(topics: Topics) -> None:
    """Given a topic whose first records were deleted before anybody read it."""
    await stocked(topics, *range(10))
    await delete_before(topics, 8)
    await gate(topics, taker := Taker())
    assert taker.offsets == [8, 9]


async def delete_before(topics: Topics, offset: int) -> None:
    """Have the broker forget the records before an offset."""
    admin = AIOKafkaAdminClient(bootstrap_servers=topics.settings.bootstrap_servers)
    await admin.start()
    partition = TopicPartition(topics.settings.topic_prefix + STOCK, 0)
    await admin.delete_records({partition: RecordsToDelete(before_offset=offset)})
    await admin.close()


async def test_a_failing_commit_does_not_keep_the_gate_shut(topics: Topics, monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing(*_: object) -> None:
        raise KafkaError("no coordinator")

    await stocked(topics, 0, 1)
    monkeypatch.setattr("aiokafka.AIOKafkaConsumer.commit", failing)
    await gate(topics, taker := Taker())
    assert taker.offsets == [0, 1]


async def foreign_transaction(topics: Topics, name: str, values: int) -> None:
    """Another system writes in a transaction, whose marker takes an offset and is no record."""
    settings = topics.settings
    foreign = AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers, transactional_id=settings.topic_prefix)
    async with foreign, foreign.transaction():
        for _ in range(values):
            await foreign.send_and_wait(settings.topic_prefix + name, value=b"foreign", key=b"k")


async def test_the_gate_opens_over_offsets_without_a_record(topics: Topics) -> None:
    """Given the markers of foreign transactions at the end of one topic and in the midst of another."""
    await topics.create("ends-with-markers")
    for _ in range(3):
        await foreign_transaction(topics, "ends-with-markers", 1)
    await foreign_transaction(topics, STOCK, 2)
    await stocked(topics, 0)
    await gate(topics, taker := Taker(), STOCK, "ends-with-markers")
    assert len(taker.offsets) == 6
    await gate(topics, taker, STOCK, "ends-with-markers")
    assert len(taker.offsets) == 6


async def test_the_tail_of_a_partition_is_behind_its_last_record(topics: Topics) -> None:
    name = topics.settings.topic_prefix + STOCK
    await stocked(topics, *range(7))
    await topics.create("empty")
    empty = TopicPartition(topics.settings.topic_prefix + "empty", 0)
    assert await read_last_offsets(topics.settings, [TopicPartition(name, 0), empty]) == {
        TopicPartition(name, 0): 7,
        empty: 0,
    }
    await delete_before(topics, 7)
    assert await read_last_offsets(topics.settings, [TopicPartition(name, 0)]) == {TopicPartition(name, 0): 0}
