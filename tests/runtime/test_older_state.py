"""A state database that is older than what its service has done since: every fact takes effect, and only once."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
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
from tests.kafka.test_log_check import make_again
from tests.kafka.topics import AVAILABILITY, Topics, eventually
from tests.outbox.shelf import NAME, envelope, handlers, shelved, stock
from tests.outbox.upstream import Upstream
from tests.runtime.house import generation, running, state, until_said

pytestmark = [pytest.mark.kafka, pytest.mark.claim("K32")]
HEADER = 32
"""Bytes of a write-ahead log before its first frame."""
Copy = Callable[[Path, Path], object]


async def stocked(topics: Topics, numbers: range, version: int = 1) -> None:
    """One piece of each item comes into stock."""
    await topics.send(*[envelope(stock(f"i{n}", version), version=version) for n in numbers])


def without_its_log(from_: Path, to: Path) -> None:
    shutil.copy(from_, to)


def a_snapshot(from_: Path, to: Path) -> None:
    with closing(sqlite3.connect(from_)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def with_its_log_cut(from_: Path, to: Path) -> None:
    shutil.copy(from_, to)
    to.with_name(f"{to.name}-wal").write_bytes(from_.with_name(f"{from_.name}-wal").read_bytes()[:HEADER])


def put_back(copy: Path, path: Path) -> None:
    """An operator restores a copy: all that belongs to the database is replaced."""
    for part in ("", "-wal", "-shm"):
        path.with_name(path.name + part).unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            shutil.copy(copy.with_name(copy.name + part), path.with_name(path.name + part))


@pytest.mark.parametrize("copied", [without_its_log, a_snapshot, with_its_log_cut])
async def test_facts_that_an_older_database_has_not_seen_are_read_again(
    topics: Topics, tmp_path: Path, copied: Copy
) -> None:
    folder, upstream = tmp_path / "state", Upstream()
    await stocked(topics, range(5))
    async with running(topics, folder, upstream):
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 5)
    async with running(topics, folder, upstream):  # what was written so far is in the file itself, not in its log
        kept = tmp_path / state(folder).name
        copied(state(folder), kept)
        # given facts that came after the copy was made, took effect, and whose offsets were committed
        await stocked(topics, range(5, 17))
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 17)
        await eventually(lambda: all_committed(topics), "everything is committed")
    # when the copy takes the place of the database
    put_back(kept, state(folder))
    # then nothing is lost by it, nothing comes twice, and the service goes on
    async with running(topics, folder, upstream):
        await stocked(topics, range(17, 20))
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 20)
    assert sorted(upstream.seen) == sorted((f"i{n}", 1) for n in range(20))
    assert len(await topics.events(AVAILABILITY)) == 20


async def all_committed(topics: Topics) -> bool:
    return await topics.committed(topics.settings.group(NAME), AVAILABILITY) == 17


async def test_events_that_an_older_database_still_holds_are_not_sent_behind_newer_ones(
    topics: Topics, tmp_path: Path
) -> None:
    # given a database that was copied when an event waited in its outbox
    async with running(topics, tmp_path, Upstream()):
        pass
    await announce_unsent(tmp_path, shelved("a", 1))
    kept = shutil.copy(state(tmp_path), tmp_path / "kept")
    # and that event was sent, and a newer one after it
    async with running(topics, tmp_path, Upstream()) as service:
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 1)
        await announce(service, shelved("a", 2))
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 2)
    # when the copy is used, and says something else
    put_back(Path(kept), state(tmp_path))
    async with running(topics, tmp_path, Upstream()) as service:
        await announce(service, shelved("b", 1))
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 3)
    # then what compaction leaves is the newest of each
    assert [(told.subject, told.sequence) for told in await topics.events(AVAILABILITY)] == [
        ("main:a", 1),
        ("main:a", 2),
        ("main:b", 1),
    ]


async def announce(service: Service, event: AvailabilityChanged) -> None:
    """Have a running service state something."""
    assert service.running is not None
    async with service.running.engine.work() as work:
        await work.announce([(event, None)])


async def announce_unsent(folder: Path, event: AvailabilityChanged) -> None:
    """Have the service state something while it cannot send it: it is killed before that."""
    database = await open_database(folder, NAME)
    engine = Engine(ServiceRules(NAME, handlers(), 60.0, tuple), database, lambda: envelope(event).time)
    async with engine.work() as work:
        await work.announce([(event, None)])
    async with database.read() as connection:
        await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    await database.close()


async def test_a_database_that_has_read_more_than_the_log_holds_is_built_again(topics: Topics, tmp_path: Path) -> None:
    upstream = Upstream()
    await stocked(topics, range(5))
    async with running(topics, tmp_path, upstream):
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 5)
    before = generation(tmp_path)
    # when the facts' topic is made again while the service is away, and holds other facts
    await make_again(topics)
    await stocked(topics, range(3, 8))
    async with running(topics, tmp_path, upstream):
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 8)
        # then the database is another one, filled from what the log holds now
        assert generation(tmp_path) != before
    assert sorted(upstream.seen) == sorted((f"i{n}", 1) for n in range(8))
    assert len(find_leftovers(tmp_path)) >= 1


async def test_a_log_that_is_made_again_under_a_running_service_is_noticed(
    topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_check, "CHECK_INTERVAL", 0.2)
    upstream = Upstream()
    await stocked(topics, range(5))
    async with running(topics, tmp_path, upstream) as service:
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 5)
        before = generation(tmp_path)
        await make_again(topics)
        await stocked(topics, range(3, 8))
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 8)
        assert generation(tmp_path) != before
        await asyncio.wait_for(service.ready.wait(), 20)
    assert sorted(upstream.seen) == sorted((f"i{n}", 1) for n in range(8))


async def test_another_cluster_has_the_database_built_again(topics: Topics, tmp_path: Path) -> None:
    await stocked(topics, range(2))
    async with running(topics, tmp_path, upstream := Upstream()):
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 2)
    before = generation(tmp_path)
    with closing(sqlite3.connect(state(tmp_path))) as connection, connection:
        connection.execute("UPDATE meta SET value = 'another' WHERE name = 'cluster'")
    async with running(topics, tmp_path, upstream):
        await stocked(topics, range(2, 3))
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 3)
    assert generation(tmp_path) != before
    assert sorted(upstream.seen) == sorted((f"i{n}", 1) for n in range(3))
