"""A second instance of a service is refused with a clear message, and the first continues undisturbed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.catalog import AvailabilityChanged
from services.engine.kafka import membership
from services.engine.kafka.membership import Displaced, Member, Membership
from services.engine.runtime.service import Service
from services.engine.state import lock
from services.engine.state.errors import find_cause
from services.engine.state.lock import AlreadyRunning, take_lock
from tests.kafka.topics import AVAILABILITY, Topics
from tests.outbox.fake_upstream import Upstream
from tests.outbox.sample_service import NAME, envelope, stock
from tests.runtime.running_service import run_service, wait_for_events
from tests.runtime.sample_process import blueprint, settings

pytestmark = pytest.mark.claim("K33")
NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.5)
    monkeypatch.setattr(membership, "REMOVED_AFTER", 1.0)


def test_a_locked_state_folder_is_reported_with_its_holder_and_the_fix(tmp_path: Path) -> None:
    held = take_lock(tmp_path, NAME, NOW)
    with pytest.raises(AlreadyRunning) as refused:
        take_lock(tmp_path, NAME, NOW)
    message = str(refused.value)
    assert f"process {os.getpid()}" in message
    assert "02 Mar 2026 12:30" in message
    assert "stop the other one first" in message
    take_lock(tmp_path, "another-service", NOW).release()
    held.release()


def test_a_killed_service_leaves_no_lock_and_its_successor_has_the_same_name(tmp_path: Path) -> None:
    code = "import sys, time; from services.engine.state.lock import take_lock; from datetime import datetime, UTC\n"
    code += "from pathlib import Path\n"
    code += f"lock = take_lock(Path(sys.argv[1]), {NAME!r}, datetime.now(UTC)); print(lock.instance, flush=True)\n"
    code += "time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        name = holder.stdout.readline().strip()
        with pytest.raises(AlreadyRunning, match=f"process {holder.pid} "):
            take_lock(tmp_path, NAME, NOW)
        holder.send_signal(signal.SIGKILL)
    successor = take_lock(tmp_path, NAME, NOW)
    assert successor.instance == name
    successor.release()


@pytest.mark.parametrize("differs", ["inode", "device", "boot"])
def test_a_copied_state_folder_has_another_instance_name(tmp_path: Path, differs: str) -> None:
    first = take_lock(tmp_path, NAME, NOW)
    first.release()
    path = tmp_path / f"{NAME}.lock"
    path.write_text(json.dumps(json.loads(path.read_text()) | {differs: "of another machine"}))
    copy = take_lock(tmp_path, NAME, NOW)
    assert copy.instance != first.instance
    copy.release()


@pytest.mark.kafka
@pytest.mark.parametrize("folder", ["the same folder", "another folder"])
async def test_a_second_instance_does_nothing_and_the_first_continues(
    topics: Topics, tmp_path: Path, folder: str
) -> None:
    first, second = Upstream(), Upstream()
    here = tmp_path / "one"
    there = here if folder == "the same folder" else tmp_path / "two"
    rebalances: list[float] = []
    async with run_service(topics, here, first) as service:
        assert service.running is not None
        await topics.send(envelope(stock("a")))
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 1)
        service.running.consumer.on_rebalance = lambda: rebalances.append(time.monotonic())
        # when the service is started a second time
        with pytest.raises(BaseException) as refused:
            await asyncio.wait_for(second_instance(topics, there, second).run(), 20)
        # then it reports why it does not run, and never joined the group
        error = find_cause(refused.value, AlreadyRunning)
        assert error is not None
        assert "already running" in str(error)
        assert f"process {os.getpid()}" in str(error)
        await topics.send(envelope(stock("b")))
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 2)
    assert sorted(first.seen) == [("a", 1), ("b", 1)]
    assert (second.seen, rebalances) == ([], [])


def second_instance(topics: Topics, folder: Path, upstream: Upstream) -> Service:
    return Service(blueprint(upstream.deliver), settings(topics.settings, folder))


@pytest.mark.kafka
async def test_of_two_group_members_the_later_one_stops(topics: Topics, tmp_path: Path) -> None:
    """Both started at the same moment, or one was frozen or cut off while the other started."""
    async with run_service(topics, tmp_path, Upstream()) as service:
        await topics.send(envelope(stock("a")))
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 1)
        started = time.time()
        earlier = Membership(topics.settings, NAME, Member.here("aaaa", started - 3600))
        later = Membership(topics.settings, NAME, Member.here("bbbb", started + 3600))
        await earlier.check()
        with pytest.raises(Displaced, match="already running elsewhere"):
            await later.check()
        assert service.ready.is_set()


@pytest.mark.kafka
async def test_after_a_pause_nothing_is_delivered_before_the_group_is_checked(
    topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream = Upstream()
    async with run_service(topics, tmp_path, upstream) as service:
        assert service.running is not None
        engine = service.running.engine
        # given an instance that was frozen for longer than its membership lasts and has not checked the group since
        is_waiting, proceed = asyncio.Event(), asyncio.Event()

        async def wait_for_test() -> None:
            is_waiting.set()
            await proceed.wait()

        monkeypatch.setattr(engine, "wait_until_confirmed", wait_for_test)
        await topics.send(envelope(stock("a")))
        await asyncio.wait_for(is_waiting.wait(), 10)
        await asyncio.sleep(0)
        assert upstream.seen == []
        proceed.set()
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 1)
    assert upstream.seen == [("a", 1)]


@pytest.mark.kafka
async def test_an_instance_delivers_again_after_a_check_of_the_group(
    topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = Membership(topics.settings, NAME, Member.here("aaaa", time.time()))
    monkeypatch.setattr(membership, "SESSION_SECONDS", 0.0)
    waiting = asyncio.create_task(me.wait_until_confirmed())
    await asyncio.wait_for(me.check_requested.wait(), 5)
    assert not waiting.done()
    monkeypatch.setattr(membership, "SESSION_SECONDS", 10.0)
    await me.check()
    await asyncio.wait_for(waiting, 5)
