"""Whether the log is still the one that was read, on the real broker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from services.engine.kafka import log_check
from services.engine.kafka.availability import TopicsMissing
from services.engine.kafka.connection import open_admin
from services.engine.kafka.log_check import LogChanged, LogCheck, read_cluster_id
from services.engine.state.store import Partition, Position
from tests.kafka.topic_changes import delete_before, delete_topic, recreate_topic
from tests.kafka.topics import STOCK, BatchHandler, Topics, run_consumer
from tests.outbox.sample_service import envelope, stock

pytestmark = [pytest.mark.kafka, pytest.mark.claim("K32")]
READ = 4
"""The number of records that are read before the log changes."""


@pytest.fixture(autouse=True)
def _no_recheck_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_check, "RECHECK_DELAY", 0.0)


async def publish_facts(topics: Topics, *numbers: int) -> None:
    await topics.send(*[envelope(stock(f"i{number}"), version=1) for number in numbers])


async def read_all(topics: Topics) -> dict[Partition, Position]:
    """Read every record; returns the positions."""
    async with run_consumer(topics, handler := BatchHandler(), group="reads", instance="reads"):
        await handler.wait_for_records(READ)
    return handler.positions


async def change_nothing(_: Topics) -> None:
    """Change nothing."""


async def add_records(topics: Topics) -> None:
    await publish_facts(topics, *range(READ, READ + 3))


async def delete_old_records(topics: Topics) -> None:
    await publish_facts(topics, READ)
    await delete_before(topics, READ)


async def recreate_empty(topics: Topics) -> None:
    await recreate_topic(topics)


async def recreate_with_more_records(topics: Topics) -> None:
    await recreate_topic(topics)
    await publish_facts(topics, *range(100, 100 + 2 * READ))


async def recreate_with_as_many_records(topics: Topics) -> None:
    await recreate_topic(topics)
    await publish_facts(topics, *range(100, 100 + READ))


async def delete_unread_records(topics: Topics) -> None:
    await publish_facts(topics, *range(READ, READ + 3))
    await delete_before(topics, READ + 2)


Change = Callable[[Topics], Awaitable[None]]


@pytest.mark.parametrize("change", [change_nothing, add_records, delete_old_records])
async def test_the_same_log_is_recognized(topics: Topics, change: Change) -> None:
    await publish_facts(topics, *range(READ))
    positions = await read_all(topics)
    await change(topics)
    await LogCheck(topics.settings, lambda: positions, None).check()


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (recreate_empty, "ends at 0, and was read up to 4"),
        (recreate_with_as_many_records, "/3 is not the one that was read"),
        (recreate_with_more_records, "/3 is not the one that was read"),
        (delete_unread_records, "begins at 6, and was read up to 4: records were deleted unread"),
    ],
)
async def test_another_log_is_recognized(topics: Topics, change: Change, finding: str) -> None:
    await publish_facts(topics, *range(READ))
    positions = await read_all(topics)
    await change(topics)
    with pytest.raises(LogChanged, match=finding):
        await LogCheck(topics.settings, lambda: positions, None).check()


async def test_a_topic_with_fewer_partitions_is_another_log(topics: Topics) -> None:
    topic = topics.settings.topic_prefix + STOCK
    positions = {(topic, 0): Position(0, ""), (topic, 1): Position(0, "")}
    with pytest.raises(LogChanged, match=r"balance\.stock/1 is gone"):
        await LogCheck(topics.settings, lambda: positions, None).check()


async def test_a_missing_topic_is_waited_for(topics: Topics) -> None:
    await publish_facts(topics, *range(READ))
    positions = await read_all(topics)
    await delete_topic(topics)
    with pytest.raises(TopicsMissing):
        await LogCheck(topics.settings, lambda: positions, None).check()


async def test_another_cluster_is_recognized_by_its_id(topics: Topics) -> None:
    async with open_admin(topics.settings) as asked:
        here = await read_cluster_id(asked)
    assert here
    await LogCheck(topics.settings, dict, here).check()
    with pytest.raises(LogChanged, match="another cluster"):
        await LogCheck(topics.settings, dict, "another-cluster-altogether").check()
