"""A service with a restored, older state database still delivers every fact exactly once."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from contracts.catalog import AvailabilityChanged
from services.engine.kafka import log_check
from services.engine.outbox.engine import Engine
from services.engine.outbox.handlers import ServiceRules
from services.engine.runtime.service import Service
from services.engine.state.database import open_database
from services.engine.state.files import find_leftovers
from tests.kafka.topic_changes import recreate_topic
from tests.kafka.topics import AVAILABILITY, Topics, eventually
from tests.outbox.fake_upstream import Upstream
from tests.outbox.sample_service import NAME, availability, envelope, handlers, stock
from tests.runtime.running_service import generation, run_service, state_file, wait_for_events
from tests.support.database_copies import Copy, copy_snapshot, copy_with_truncated_log, copy_without_log, put_back

pytestmark = [pytest.mark.kafka, pytest.mark.claim("K32")]


async def add_stock(topics: Topics, numbers: range, version: int = 1) -> None:
    """Publish stock of each item."""
    await topics.send(*[envelope(stock(f"i{n}", version), version=version) for n in numbers])


@pytest.mark.parametrize("make_copy", [copy_without_log, copy_snapshot, copy_with_truncated_log])
async def test_facts_newer_than_a_restored_database_are_read_again(
    topics: Topics, tmp_path: Path, make_copy: Copy
) -> None:
    folder, upstream = tmp_path / "state", Upstream()
    await add_stock(topics, range(5))
    async with run_service(topics, folder, upstream):
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 5)
    async with run_service(
        topics, folder, upstream
    ):  # the data so far is in the database file, not in its write-ahead log
        kept = tmp_path / state_file(folder).name
        make_copy(state_file(folder), kept)
        # given facts that arrived after the copy, were delivered, and whose offsets were committed
        await add_stock(topics, range(5, 17))
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 17)
        await eventually(lambda: all_committed(topics), "committed offsets")
    # when the copy replaces the database
    put_back(kept, state_file(folder))
    # then nothing is lost or delivered twice, and the service continues
    async with run_service(topics, folder, upstream):
        await add_stock(topics, range(17, 20))
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 20)
    assert sorted(upstream.seen) == sorted((f"i{n}", 1) for n in range(20))
    assert len(await topics.events(AVAILABILITY)) == 20


async def all_committed(topics: Topics) -> bool:
    return await topics.committed(topics.settings.group(NAME), AVAILABILITY) == 17


async def test_events_left_in_a_restored_database_are_not_sent_after_newer_ones(topics: Topics, tmp_path: Path) -> None:
    # given a copy of a database with an event in its outbox
    async with run_service(topics, tmp_path, Upstream()):
        pass
    await announce_unsent(tmp_path, availability("a", 1))
    kept = shutil.copy(state_file(tmp_path), tmp_path / "kept")
    # and that event was published, followed by a newer one
    async with run_service(topics, tmp_path, Upstream()) as service:
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 1)
        await announce(service, availability("a", 2))
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 2)
    # when the copy is used and publishes another event
    put_back(Path(kept), state_file(tmp_path))
    async with run_service(topics, tmp_path, Upstream()) as service:
        await announce(service, availability("b", 1))
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 3)
    # then compaction keeps the newest event of each item
    assert [(envelope.subject, envelope.sequence) for envelope in await topics.events(AVAILABILITY)] == [
        ("main:a", 1),
        ("main:a", 2),
        ("main:b", 1),
    ]


async def announce(service: Service, event: AvailabilityChanged) -> None:
    """Have a running service announce an event."""
    assert service.running is not None
    async with service.running.engine.work() as work:
        await work.announce([(event, None)])


async def announce_unsent(folder: Path, event: AvailabilityChanged) -> None:
    """Announce an event that the service does not publish before it is killed."""
    database = await open_database(folder, NAME)
    engine = Engine(ServiceRules(NAME, handlers(), 60.0, tuple), database, lambda: envelope(event).time)
    async with engine.work() as work:
        await work.announce([(event, None)])
    async with database.read() as connection:
        await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    await database.close()


async def test_a_database_ahead_of_the_log_is_rebuilt(topics: Topics, tmp_path: Path) -> None:
    upstream = Upstream()
    await add_stock(topics, range(5))
    async with run_service(topics, tmp_path, upstream):
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 5)
    before = generation(tmp_path)
    # when the topic is recreated with other facts while the service is stopped
    await recreate_topic(topics)
    await add_stock(topics, range(3, 8))
    async with run_service(topics, tmp_path, upstream):
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 8)
        # then the database is rebuilt from the new log
        assert generation(tmp_path) != before
    assert sorted(upstream.seen) == sorted((f"i{n}", 1) for n in range(8))
    assert len(find_leftovers(tmp_path)) >= 1


async def test_a_log_recreated_under_a_running_service_is_detected(
    topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_check, "CHECK_INTERVAL", 0.2)
    upstream = Upstream()
    await add_stock(topics, range(5))
    async with run_service(topics, tmp_path, upstream) as service:
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 5)
        before = generation(tmp_path)
        await recreate_topic(topics)
        await add_stock(topics, range(3, 8))
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 8)
        assert generation(tmp_path) != before
        await asyncio.wait_for(service.ready.wait(), 20)
    assert sorted(upstream.seen) == sorted((f"i{n}", 1) for n in range(8))


async def test_another_cluster_causes_a_rebuild(topics: Topics, tmp_path: Path) -> None:
    await add_stock(topics, range(2))
    async with run_service(topics, tmp_path, upstream := Upstream()):
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 2)
    before = generation(tmp_path)
    with closing(sqlite3.connect(state_file(tmp_path))) as connection, connection:
        connection.execute("UPDATE meta SET value = 'another' WHERE name = 'cluster'")
    async with run_service(topics, tmp_path, upstream):
        await add_stock(topics, range(2, 3))
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 3)
    assert generation(tmp_path) != before
    assert sorted(upstream.seen) == sorted((f"i{n}", 1) for n in range(3))
