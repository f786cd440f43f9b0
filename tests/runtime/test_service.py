"""A whole service on the real broker: facts, deliveries, events; restarts and the loss of its database."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from contracts.catalog import AvailabilityChanged
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Outcome, Retry
from services.engine.person_ids import use_secret
from services.engine.state.files import find_set_aside
from tests.kafka.topics import AVAILABILITY, STOCK, Topics, eventually
from tests.outbox.fake_upstream import Upstream, done
from tests.outbox.sample_service import NAME, envelope, stock
from tests.runtime.running_service import run_service, wait_for_events

pytestmark = pytest.mark.kafka


async def add_stock(topics: Topics, numbers: range, quantity: int = 1) -> None:
    """Publish so many pieces of each item in stock."""
    await topics.send(*[envelope(stock(f"i{n}", quantity), version=quantity) for n in numbers])


def deliveries_of(numbers: range) -> list[tuple[str, int]]:
    """The deliveries of one piece of each item."""
    return sorted((f"i{n}", 1) for n in numbers)


async def test_every_fact_is_delivered_and_recorded(topics: Topics, tmp_path: Path) -> None:
    upstream = Upstream()
    await add_stock(topics, range(20))
    async with run_service(topics, tmp_path, upstream):
        await add_stock(topics, range(20, 40))
        recorded = await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 40)
    assert sorted(upstream.seen) == deliveries_of(range(40))
    assert sorted(each.item for each in recorded) == sorted(f"i{n}" for n in range(40))


async def test_a_restarted_service_continues_where_it_stopped(topics: Topics, tmp_path: Path) -> None:
    upstream = Upstream()
    await add_stock(topics, range(10))
    async with run_service(topics, tmp_path, upstream):
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 10)
    await add_stock(topics, range(10, 20))
    async with run_service(topics, tmp_path, upstream):
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 20)
    assert sorted(upstream.seen) == deliveries_of(range(20))


async def test_a_service_that_lost_its_database_sends_nothing_twice(topics: Topics, tmp_path: Path) -> None:
    upstream = Upstream()
    await add_stock(topics, range(60))
    async with run_service(topics, tmp_path, upstream):
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 60)
    shutil.rmtree(tmp_path)
    await add_stock(topics, range(60, 61))
    async with run_service(topics, tmp_path, upstream):
        recorded = await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 61)
    assert sorted(upstream.seen) == deliveries_of(range(61))
    assert len(recorded) == 61


async def test_versions_continue_after_the_loss_of_the_database(topics: Topics, tmp_path: Path) -> None:
    upstream = Upstream()
    for quantity in (1, 2):
        await add_stock(topics, range(1), quantity)
        async with run_service(topics, tmp_path, upstream):
            await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, quantity)
        shutil.rmtree(tmp_path)
    assert [envelope.sequence for envelope in await topics.events(AVAILABILITY)] == [1, 2]


@pytest.mark.claim("S1.17")
async def test_deliveries_delayed_by_an_outage_are_sent_after_a_restart(topics: Topics, tmp_path: Path) -> None:
    def down(_: Row) -> Outcome:
        return Retry("503")

    upstream = Upstream(down)
    await add_stock(topics, range(5))
    async with run_service(topics, tmp_path, upstream):
        await upstream.wait_for_calls(3)
    upstream.answer = done
    async with run_service(topics, tmp_path, upstream):
        recorded = await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 5)
    assert sorted(each.item for each in recorded) == [f"i{n}" for n in range(5)]


async def test_stopping_writes_the_deliveries_in_progress(topics: Topics, tmp_path: Path) -> None:
    upstream = Upstream()
    upstream.gate.clear()
    await add_stock(topics, range(1))
    async with run_service(topics, tmp_path, upstream):
        await upstream.wait_for_calls(1)
        upstream.gate.set()
    async with run_service(topics, tmp_path, upstream):
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 1)
    assert upstream.seen == [("i0", 1)]


async def test_kafka_shows_how_far_a_service_has_read_but_services_do_not_rely_on_it(
    topics: Topics, tmp_path: Path
) -> None:
    await add_stock(topics, range(3))
    async with run_service(topics, tmp_path / "one", Upstream()):
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 3)
        await eventually(lambda: is_committed(topics, 3), "the offset 3 is committed")
    # when the service starts with an empty state folder
    upstream = Upstream()
    async with run_service(topics, tmp_path / "two", upstream) as service:
        # then it reads everything from the beginning
        assert service.running is not None
        await eventually(lambda: is_committed(topics, 3), "the offset 3 is committed again")
        positions = service.running.consumer.positions
    assert positions[topics.settings.topic_prefix + STOCK, 0].next_offset == 3
    assert upstream.seen == []


async def is_committed(topics: Topics, offset: int) -> bool:
    """Whether the group of the service has committed this offset."""
    return await topics.committed(topics.settings.group(NAME), STOCK) == offset


async def test_a_database_with_ids_of_another_secret_is_rebuilt_and_sends_nothing_twice(
    topics: Topics, tmp_path: Path
) -> None:
    upstream = Upstream()
    await add_stock(topics, range(10))
    async with run_service(topics, tmp_path, upstream):
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 10)
    use_secret(lambda: "another secret, such as after a restored backup")
    async with run_service(topics, tmp_path, upstream):
        assert len(find_set_aside(tmp_path, NAME, "outdated")) == 1
    assert sorted(upstream.seen) == deliveries_of(range(10))
