"""A whole service on the real broker: facts in, effects upstream, events out; restarts and the loss of its database."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from contracts.catalog import AvailabilityChanged
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Outcome, Retry
from tests.kafka.topics import AVAILABILITY, STOCK, Topics, eventually
from tests.outbox.shelf import NAME, envelope, stock
from tests.outbox.upstream import Upstream, done
from tests.runtime.house import running, until_said

pytestmark = pytest.mark.kafka


async def stocked(topics: Topics, numbers: range, quantity: int = 1) -> None:
    """So many pieces of each item come into stock."""
    await topics.send(*[envelope(stock(f"i{n}", quantity), version=quantity) for n in numbers])


def items(numbers: range) -> list[tuple[str, int]]:
    """What stands on the shelf when one piece of each is put there."""
    return sorted((f"i{n}", 1) for n in numbers)


async def test_every_fact_becomes_an_effect_and_a_recorded_event(topics: Topics, tmp_path: Path) -> None:
    upstream = Upstream()
    await stocked(topics, range(20))
    async with running(topics, tmp_path, upstream):
        await stocked(topics, range(20, 40))
        recorded = await until_said(topics, AvailabilityChanged, AVAILABILITY, 40)
    assert sorted(upstream.seen) == items(range(40))
    assert sorted(each.item for each in recorded) == sorted(f"i{n}" for n in range(40))


async def test_a_restarted_service_goes_on_where_it_was(topics: Topics, tmp_path: Path) -> None:
    upstream = Upstream()
    await stocked(topics, range(10))
    async with running(topics, tmp_path, upstream):
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 10)
    await stocked(topics, range(10, 20))
    async with running(topics, tmp_path, upstream):
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 20)
    assert sorted(upstream.seen) == items(range(20))


async def test_a_service_that_lost_its_database_sends_nothing_twice(topics: Topics, tmp_path: Path) -> None:
    upstream = Upstream()
    await stocked(topics, range(60))
    async with running(topics, tmp_path, upstream):
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 60)
    shutil.rmtree(tmp_path)
    await stocked(topics, range(60, 61))
    async with running(topics, tmp_path, upstream):
        recorded = await until_said(topics, AvailabilityChanged, AVAILABILITY, 61)
    assert sorted(upstream.seen) == items(range(61))
    assert len(recorded) == 61


async def test_versions_go_on_after_the_loss_of_the_database(topics: Topics, tmp_path: Path) -> None:
    upstream = Upstream()
    for quantity in (1, 2):
        await stocked(topics, range(1), quantity)
        async with running(topics, tmp_path, upstream):
            await until_said(topics, AvailabilityChanged, AVAILABILITY, quantity)
        shutil.rmtree(tmp_path)
    assert [told.sequence for told in await topics.events(AVAILABILITY)] == [1, 2]


@pytest.mark.claim("S1.17")
async def test_what_an_outage_held_back_leaves_after_a_restart(topics: Topics, tmp_path: Path) -> None:
    def down(_: Row) -> Outcome:
        return Retry("503")

    upstream = Upstream(down)
    await stocked(topics, range(5))
    async with running(topics, tmp_path, upstream):
        await upstream.reached(3)
    upstream.answer = done
    async with running(topics, tmp_path, upstream):
        recorded = await until_said(topics, AvailabilityChanged, AVAILABILITY, 5)
    assert sorted(each.item for each in recorded) == [f"i{n}" for n in range(5)]


async def test_stopping_makes_what_is_under_way_durable(topics: Topics, tmp_path: Path) -> None:
    upstream = Upstream()
    upstream.gate.clear()
    await stocked(topics, range(1))
    async with running(topics, tmp_path, upstream):
        await upstream.reached(1)
        upstream.gate.set()
    async with running(topics, tmp_path, upstream):
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 1)
    assert upstream.seen == [("i0", 1)]


async def test_kafka_shows_how_far_a_service_has_read_and_nothing_is_read_from_there(
    topics: Topics, tmp_path: Path
) -> None:
    await stocked(topics, range(3))
    async with running(topics, tmp_path / "one", Upstream()):
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 3)
        await eventually(lambda: shown(topics, 3), "the offset 3 is committed")
    # when another state database takes over
    upstream = Upstream()
    async with running(topics, tmp_path / "two", upstream) as service:
        # then it has read everything from the beginning
        assert service.running is not None
        await eventually(lambda: shown(topics, 3), "the offset 3 is committed again")
        positions = service.running.consumer.positions
    assert positions[topics.settings.topic_prefix + STOCK, 0].next_offset == 3
    assert upstream.seen == []


async def shown(topics: Topics, offset: int) -> bool:
    """Whether the service's group has committed this offset of its facts."""
    return await topics.committed(topics.settings.group(NAME), STOCK) == offset
