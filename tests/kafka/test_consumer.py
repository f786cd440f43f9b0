"""Batches from the real broker: reading continues after the last handled record, whatever offset is committed."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from services.engine.kafka.connection import read_last_offsets
from services.engine.kafka.consumer import Consumer, wait_until_caught_up
from services.engine.kafka.record import Record
from tests.kafka.topic_changes import delete_before
from tests.kafka.topics import STOCK, BatchHandler, Topics, eventually, run_consumer
from tests.outbox.sample_service import envelope, stock

pytestmark = pytest.mark.kafka


async def publish_stock(topics: Topics, *numbers: int) -> None:
    """Publish one stock fact for each number."""
    await topics.send(*[envelope(stock(f"i{number}"), version=1) for number in numbers])


async def test_records_arrive_unchanged(topics: Topics) -> None:
    await topics.put(STOCK, b"k\xff", b"\x00\xff", [("a", b"\xff\xfe"), ("null", None)])
    await topics.put(STOCK, b"k", None)
    async with run_consumer(topics, handler := BatchHandler()):
        await handler.wait_for_records(2)
    first, tombstone = handler.batches[0]
    assert (first.key, first.value) == (b"k\xff", b"\x00\xff")
    assert list(first.headers) == [("a", b"\xff\xfe"), ("null", None)]
    assert (tombstone.key, tombstone.value, tombstone.offset) == (b"k", None, 1)
    assert first.topic == topics.settings.topic_prefix + STOCK


async def test_a_failed_batch_is_repeated_and_nothing_is_skipped(topics: Topics) -> None:
    await publish_stock(topics, *range(10))
    handler = BatchHandler(failures=2)
    async with run_consumer(topics, handler, max_records=5):
        await handler.wait_for_records(10)
        await eventually(has_committed(topics, 10), "the offset 10 is committed")
    assert handler.offsets == list(range(10))


async def test_a_batch_that_fails_for_an_hour_is_not_skipped(topics: Topics, monkeypatch: pytest.MonkeyPatch) -> None:
    hours = iter(range(0, 3600 * 1000, 3600))
    monkeypatch.setattr("tenacity.time", SimpleNamespace(monotonic=lambda: next(hours)))
    await publish_stock(topics, 0, 1, 2)
    handler = BatchHandler(failures=2)
    async with run_consumer(topics, handler, max_records=1):
        await handler.wait_for_records(3)
    assert handler.offsets == [0, 1, 2]


class TimedHandler(BatchHandler):
    """Limits its time per batch, as code that waits for a database does: the timer outlives the work."""

    async def take(self, records: Sequence[Record]) -> None:
        """Handle a batch within a minute."""
        async with asyncio.timeout(60):
            await super().take(records)


async def test_finished_batches_are_released(topics: Topics) -> None:
    # memory must not grow with a backlog
    await publish_stock(topics, *range(1000))
    async with run_consumer(topics, handler := TimedHandler(), max_records=20):
        await handler.wait_for_records(1000)
        await eventually(has_committed(topics, 1000), "the offset 1000 is committed")
        gc.collect()
        alive = sum(isinstance(each, ConsumerRecord) for each in gc.get_objects())
    assert alive <= 2 * 20


def has_committed(topics: Topics, offset: int):  # type: ignore[no-untyped-def]
    """Whether the group of the test has committed this offset."""

    async def there() -> bool:
        return await topics.committed(topics.settings.topic_prefix + "g", STOCK) == offset

    return there


async def test_nothing_is_committed_before_it_is_durable(topics: Topics) -> None:
    is_busy, proceed = asyncio.Event(), asyncio.Event()

    async def take(records: object) -> None:
        is_busy.set()
        await proceed.wait()

    await publish_stock(topics, 0, 1)
    group = topics.settings.topic_prefix + "g"
    consumer = Consumer(topics.settings, [STOCK], group, "one", take, {})
    await consumer.start()
    await is_busy.wait()
    assert await topics.committed(group, STOCK) is None
    proceed.set()
    await eventually(has_committed(topics, 2), "the offset 2 is committed")
    await consumer.stop()


async def test_a_restarted_consumer_continues_where_it_stopped(topics: Topics) -> None:
    await publish_stock(topics, 0, 1)
    async with run_consumer(topics, handler := BatchHandler()):
        await handler.wait_for_records(2)
    await publish_stock(topics, 2)
    async with run_consumer(topics, handler):
        await handler.wait_for_records(3)
    assert handler.offsets == [0, 1, 2]


@pytest.mark.claim("K32")
async def test_committed_records_missing_from_the_state_are_read_again(topics: Topics) -> None:
    # given a state older than the committed offsets: a copy, a snapshot, a lost write-ahead log
    await publish_stock(topics, *range(10))
    older = BatchHandler()
    async with run_consumer(topics, newer := BatchHandler(), max_records=4):
        await newer.wait_for_records(10)
        await eventually(has_committed(topics, 10), "the offset 10 is committed")
        older.batches = newer.batches[:1]
    async with run_consumer(topics, older):
        await older.wait_for_records(10)
    assert older.offsets == list(range(10))


async def test_without_a_position_a_topic_is_read_from_the_beginning(topics: Topics) -> None:
    await publish_stock(topics, 0, 1)
    async with run_consumer(topics, one := BatchHandler()):
        await one.wait_for_records(2)
        await eventually(has_committed(topics, 2), "the offset 2 is committed")
    async with run_consumer(topics, two := BatchHandler()):
        await two.wait_for_records(2)
    assert two.offsets == [0, 1]


async def test_a_crashed_member_is_replaced_at_once(topics: Topics) -> None:
    # a successor of a crashed consumer does not wait for the 10 s of its session
    await publish_stock(topics, 0)
    async with run_consumer(topics, lost := BatchHandler()):
        await lost.wait_for_records(1)
        begun = time.monotonic()
        heir = BatchHandler([*lost.batches])
        async with run_consumer(topics, heir) as consumer:
            await consumer.assignment.complete.wait()
            assert time.monotonic() - begun < 8
            await publish_stock(topics, 1)
            await heir.wait_for_records(2)
    assert heir.offsets == [0, 1]


async def test_large_records_are_read(topics: Topics) -> None:
    await topics.create("large")
    body = bytes(range(256)) * 3000
    await topics.put("large", b"k", body)
    async with run_consumer(topics, handler := BatchHandler(), "large"):
        await handler.wait_for_records(1)
    assert handler.batches[0][0].value == body


async def gate(topics: Topics, handler: BatchHandler, *names: str) -> None:
    """Open a consumer and wait until it has caught up."""
    async with run_consumer(topics, handler, *names) as consumer, asyncio.timeout(15):
        await wait_until_caught_up(consumer)


async def test_the_gate_opens_when_everything_from_before_the_start_is_processed(topics: Topics) -> None:
    await topics.create("empty", "three", partitions=3)
    await publish_stock(topics, *range(50))
    await gate(topics, handler := BatchHandler(), STOCK, "empty", "three")
    assert len(handler.offsets) == 50


async def test_the_gate_opens_at_once_when_there_is_nothing_to_read(topics: Topics) -> None:
    await gate(topics, BatchHandler(), STOCK)


async def test_the_gate_opens_when_everything_was_read_earlier(topics: Topics) -> None:
    await publish_stock(topics, *range(5))
    await gate(topics, handler := BatchHandler())
    await gate(topics, handler)
    assert handler.offsets == list(range(5))


async def test_the_gate_waits_for_a_batch_that_is_not_durable_yet(topics: Topics) -> None:
    await publish_stock(topics, 0)
    handler = BatchHandler(failures=3)
    await gate(topics, handler)
    assert (handler.failures, handler.offsets) == (0, [0])


async def test_the_gate_opens_over_records_that_are_gone(topics: Topics) -> None:
    # given a topic whose first records were deleted unread
    await publish_stock(topics, *range(10))
    await delete_before(topics, 8)
    await gate(topics, handler := BatchHandler())
    assert handler.offsets == [8, 9]


async def test_a_failing_commit_does_not_keep_the_gate_closed(topics: Topics, monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing(*_: object) -> None:
        raise KafkaError("no coordinator")

    await publish_stock(topics, 0, 1)
    monkeypatch.setattr("aiokafka.AIOKafkaConsumer.commit", failing)
    await gate(topics, handler := BatchHandler())
    assert handler.offsets == [0, 1]


async def foreign_transaction(topics: Topics, name: str, values: int) -> None:
    """Write in a transaction as another system does; its marker occupies an offset without a record."""
    settings = topics.settings
    foreign = AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers, transactional_id=settings.topic_prefix)
    async with foreign, foreign.transaction():
        for _ in range(values):
            await foreign.send_and_wait(settings.topic_prefix + name, value=b"foreign", key=b"k")


async def test_the_gate_opens_over_offsets_without_a_record(topics: Topics) -> None:
    # given markers of foreign transactions at the end of one topic and in the middle of another
    await topics.create("ends-with-markers")
    for _ in range(3):
        await foreign_transaction(topics, "ends-with-markers", 1)
    await foreign_transaction(topics, STOCK, 2)
    await publish_stock(topics, 0)
    await gate(topics, handler := BatchHandler(), STOCK, "ends-with-markers")
    assert len(handler.offsets) == 6
    await gate(topics, handler, STOCK, "ends-with-markers")
    assert len(handler.offsets) == 6


async def test_the_end_offset_of_a_partition_follows_its_last_record(topics: Topics) -> None:
    name = topics.settings.topic_prefix + STOCK
    await publish_stock(topics, *range(7))
    await topics.create("empty")
    empty = TopicPartition(topics.settings.topic_prefix + "empty", 0)
    assert await read_last_offsets(topics.settings, [TopicPartition(name, 0), empty]) == {
        TopicPartition(name, 0): 7,
        empty: 0,
    }
    await delete_before(topics, 7)
    assert await read_last_offsets(topics.settings, [TopicPartition(name, 0)]) == {TopicPartition(name, 0): 0}
