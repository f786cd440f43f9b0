"""A record whose header name is not UTF-8, which aiokafka cannot parse, hides no other record of any partition."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import TopicPartition

from contracts.envelope import Undecodable
from services.engine.client.reader import read_events
from services.engine.client.unreadable import collect_unreadable
from services.engine.kafka.connection import create_reader
from services.engine.kafka.log_check import LogCheck
from services.engine.kafka.record import Record, positions_after
from tests.kafka.topics import AVAILABILITY, STOCK, BatchHandler, Topics, run_consumer
from tests.kafka.unreadable_writer import run_writer
from tests.outbox.sample_service import envelope, stock
from tests.support.signing import with_keys

pytestmark = pytest.mark.kafka
CASES = {
    "alone": (("bad",), [], [(0, 0)]),
    "in the middle of a batch": (("good-good-bad-good",), [0, 1], [(2, 3)]),
    "at the start of a batch": (("good", "bad-good", "good"), [0, 3], [(1, 2)]),
    "twice": (("bad", "good", "good-bad"), [1, 2], [(0, 0), (3, 3)]),
    "in two batches behind each other": (("good", "bad-good-good", "bad-bad", "good-good"), [0, 6, 7], [(1, 5)]),
}  # fmt: skip


def is_notice(record: Record) -> bool:
    """Whether a record takes the place of what cannot be read."""
    return bool(record.headers) and record.headers[0][0] == "davtari-unreadable"


def reason(record: Record) -> str:
    """Why a record is refused."""
    with pytest.raises(Undecodable) as refused:
        record.read()
    return str(refused.value)


def described(first: int, last: int) -> str:
    """The reason that names these offsets."""
    return f"record.bad-headers: the offsets {first} to {last} cannot be read: a header name in them is not UTF-8"


@pytest.mark.parametrize("case", CASES)
async def test_a_service_reads_everything_else(topics: Topics, case: str) -> None:
    batches, readable, unreadable = CASES[case]
    await topics.create(AVAILABILITY)
    others = [envelope(stock(f"i{number}"), version=1) for number in range(20)]
    await topics.send(*others)
    await run_writer(topics.settings.bootstrap_servers, topics.settings.topic_prefix + AVAILABILITY, *batches)
    handler = BatchHandler()
    async with run_consumer(topics, handler, AVAILABILITY, STOCK):
        await handler.wait_for_records(20 + len(readable) + len(unreadable))
        await topics.put(AVAILABILITY, b"k", b"afterwards")
        await handler.wait_for_records(21 + len(readable) + len(unreadable))
    records = [record for batch in handler.batches for record in batch]
    assert [one.offset for one in records if one.topic.endswith(STOCK)] == list(range(20))
    there = [one for one in records if one.topic.endswith(AVAILABILITY)]
    assert [one.offset for one in there if not is_notice(one)][:-1] == readable
    assert [reason(one) for one in there if is_notice(one)] == [described(*each) for each in unreadable]
    assert there[-1].value == b"afterwards"
    await LogCheck(topics.settings, lambda: positions_after(records), None).check()


async def test_the_log_is_recognized_by_a_notice(topics: Topics) -> None:
    await run_writer(topics.settings.bootstrap_servers, topics.settings.topic_prefix + STOCK, "bad-good-bad")
    async with run_consumer(topics, handler := BatchHandler()):
        await handler.wait_for_records(1)
    await LogCheck(topics.settings, lambda: handler.positions, None).check()


async def test_a_command_reads_everything_else_and_names_the_place(topics: Topics) -> None:
    await topics.send(envelope(stock("first"), version=1))
    await run_writer(topics.settings.bootstrap_servers, topics.settings.topic_prefix + STOCK, "bad-good")
    await topics.send(envelope(stock("last"), version=1))
    with collect_unreadable() as unreadable:
        found = [one.data.key async for one in read_events(with_keys(topics.settings), [STOCK])]
    assert len(found) == 2
    assert unreadable == {f"{topics.settings.topic_prefix}{STOCK}/0/2": described(1, 2)}


async def test_answers_are_read_behind_it(topics: Topics) -> None:
    reader = create_reader(topics.settings, [STOCK])
    await reader.start()
    try:
        await reader.seek_to_end()
        await run_writer(topics.settings.bootstrap_servers, topics.settings.topic_prefix + STOCK, "good-bad", "good")
        async with asyncio.timeout(20):
            offsets = [(await reader.getone()).offset for _ in range(3)]
        assert offsets == [0, 1, 2]
        assert await reader.position(TopicPartition(topics.settings.topic_prefix + STOCK, 0)) == 3
    finally:
        await reader.stop()
