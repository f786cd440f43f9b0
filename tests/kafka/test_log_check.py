"""Whether the log is still the one that was read: found out from the log itself, on the real broker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import UnknownTopicOrPartitionError

from services.engine.kafka import log_check
from services.engine.kafka.availability import TopicsMissing
from services.engine.kafka.connection import open_admin
from services.engine.kafka.log_check import LogChanged, LogCheck, read_cluster_id
from services.engine.state.store import Partition, Position
from tests.kafka.test_consumer import delete_before
from tests.kafka.topics import STOCK, Taker, Topics, consuming, eventually
from tests.outbox.shelf import envelope, stock

pytestmark = [pytest.mark.kafka, pytest.mark.claim("K32")]
READ = 4
"""Records that were read before something happens to the log."""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_check, "RECHECK_DELAY", 0.0)


async def facts(topics: Topics, *numbers: int) -> None:
    await topics.send(*[envelope(stock(f"i{number}"), version=1) for number in numbers])


async def read(topics: Topics) -> dict[Partition, Position]:
    """Read everything that is there; gives how far that was."""
    async with consuming(topics, taker := Taker(), group="reads", instance="reads"):
        await taker.has(READ)
    return taker.positions


async def make_again(topics: Topics, partitions: int = 1) -> None:
    """Delete the topic and make it again, empty."""
    await delete(topics)

    async def made() -> bool:
        with suppress(UnknownTopicOrPartitionError):
            await topics.create(STOCK, partitions=partitions)
        return await shown(topics)

    await eventually(made, "the topic is there again")


async def delete(topics: Topics) -> None:
    async with open_admin(topics.settings) as asked:
        await asked.delete_topics([topics.settings.topic_prefix + STOCK])

    async def gone() -> bool:
        return not await shown(topics)

    await eventually(gone, "the topic is gone")


async def shown(topics: Topics) -> bool:
    asked = AIOKafkaAdminClient(bootstrap_servers=topics.settings.bootstrap_servers)
    await asked.start()
    try:
        return topics.settings.topic_prefix + STOCK in await asked.list_topics()
    finally:
        await asked.close()


async def nothing(_: Topics) -> None:
    """The log is as it was."""


async def goes_on(topics: Topics) -> None:
    await facts(topics, *range(READ, READ + 3))


async def old_records_are_deleted(topics: Topics) -> None:
    await facts(topics, READ)
    await delete_before(topics, READ)


async def is_made_again_empty(topics: Topics) -> None:
    await make_again(topics)


async def is_made_again_with_more_records(topics: Topics) -> None:
    await make_again(topics)
    await facts(topics, *range(100, 100 + 2 * READ))


async def is_made_again_with_as_many_records(topics: Topics) -> None:
    await make_again(topics)
    await facts(topics, *range(100, 100 + READ))


async def unread_records_are_deleted(topics: Topics) -> None:
    await facts(topics, *range(READ, READ + 3))
    await delete_before(topics, READ + 2)


Happening = Callable[[Topics], Awaitable[None]]


@pytest.mark.parametrize("happens", [nothing, goes_on, old_records_are_deleted])
async def test_the_same_log_is_recognized(topics: Topics, happens: Happening) -> None:
    await facts(topics, *range(READ))
    positions = await read(topics)
    await happens(topics)
    await LogCheck(topics.settings, lambda: positions, None).check()


@pytest.mark.parametrize(
    ("happens", "finding"),
    [
        (is_made_again_empty, "ends at 0, and was read up to 4"),
        (is_made_again_with_as_many_records, "/3 is not the one that was read"),
        (is_made_again_with_more_records, "/3 is not the one that was read"),
        (unread_records_are_deleted, "begins at 6, and was read up to 4: records were deleted unread"),
    ],
)
async def test_another_log_is_recognized(topics: Topics, happens: Happening, finding: str) -> None:
    await facts(topics, *range(READ))
    positions = await read(topics)
    await happens(topics)
    with pytest.raises(LogChanged, match=finding):
        await LogCheck(topics.settings, lambda: positions, None).check()


async def test_a_topic_with_fewer_partitions_is_another_one(topics: Topics) -> None:
    topic = topics.settings.topic_prefix + STOCK
    positions = {(topic, 0): Position(0, ""), (topic, 1): Position(0, "")}
    with pytest.raises(LogChanged, match=r"balance\.stock/1 is gone"):
        await LogCheck(topics.settings, lambda: positions, None).check()


async def test_a_topic_that_is_gone_is_waited_for(topics: Topics) -> None:
    await facts(topics, *range(READ))
    positions = await read(topics)
    await delete(topics)
    with pytest.raises(TopicsMissing):
        await LogCheck(topics.settings, lambda: positions, None).check()


async def test_another_cluster_is_recognized_by_its_id(topics: Topics) -> None:
    async with open_admin(topics.settings) as asked:
        here = await read_cluster_id(asked)
    assert here
    await LogCheck(topics.settings, dict, here).check()
    with pytest.raises(LogChanged, match="another cluster"):
        await LogCheck(topics.settings, dict, "another-cluster-altogether").check()
