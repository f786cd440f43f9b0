"""The heartbeat of the event loop."""

from __future__ import annotations

import asyncio
import time

import pytest

from services.engine.runtime import process_monitor
from services.engine.runtime.process_monitor import PROCESS, STOPPED_AFTER, Heartbeat, ProcessMonitor
from tests.outbox.fake_upstream import eventually
from tests.telemetry.scrape import scrape


def test_a_loop_without_a_recent_heartbeat_is_not_live() -> None:
    beat = Heartbeat()
    assert beat.faults(beat.last + STOPPED_AFTER) == []
    assert beat.faults(beat.last + STOPPED_AFTER + 1) == [f"the event loop has not moved for {STOPPED_AFTER + 1:.0f} s"]


async def test_the_delay_of_a_blocked_loop_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_monitor, "BEAT_INTERVAL", 0.01)
    beat = Heartbeat()
    beating = asyncio.create_task(beat.run())
    before = beat.last
    asyncio.get_running_loop().call_later(0.005, time.sleep, 0.1)

    async def has_beaten() -> bool:
        return beat.last > before

    await eventually(has_beaten, "a beat")
    late = scrape()("davtari_event_loop_lag_seconds")
    beating.cancel()
    assert late is not None
    assert late > 0.05


def test_a_stopped_heartbeat_makes_the_process_not_live() -> None:
    monitor = ProcessMonitor(["one"], 300)
    assert monitor.live().ok
    monitor._heartbeat.last -= 2 * STOPPED_AFTER
    assert not monitor.live().ok
    assert monitor.live().faults[PROCESS] != []
