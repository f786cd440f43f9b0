"""A live flow writes nothing before its checks have passed, and goes on by itself when they do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.catalog import AvailabilityChanged
from services.shared.running import gate as gate_module
from services.shared.running.gate import Gate, opened
from services.shared.running.service import Service
from services.shared.telemetry.watched import Watched
from tests.delivery.shelf import LANE, envelope, stock
from tests.delivery.upstream import Upstream
from tests.messaging.topics import SHELF, Topics, eventually
from tests.running.house import until_said
from tests.running.toy import blueprint, settings


class Faults:
    """A check that finds something until it is mended."""

    def __init__(self) -> None:
        self.left, self.asked = ["orders.warehouse: not set"], 0

    async def check(self) -> Sequence[str]:
        """What is wrong now."""
        self.asked += 1
        return self.left


async def test_a_gate_opens_when_its_check_passes_and_says_what_it_waits_for(caplog: pytest.LogCaptureFixture) -> None:
    faults, waits = Faults(), list[str]()

    def waiting(why: str) -> None:
        waits.append(why)
        faults.left = faults.left if faults.asked < 3 else []

    with caplog.at_level(logging.ERROR):
        await asyncio.wait_for(opened(Gate(frozenset({"lane"}), faults.check), waiting, first=0.01), 5)
    assert faults.asked == 4
    assert ("orders.warehouse" in waits[0], waits[-1]) == (True, "")
    assert caplog.messages == ["not live: the check has not passed, nothing is written"] * 3
    assert all("davtari check" in vars(record)["fix"] for record in caplog.records)


@pytest.mark.kafka
async def test_a_closed_gate_holds_the_lane_and_nothing_else(
    topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_module, "LONGEST", 0.2)
    # given a service whose check does not pass
    faults, upstream = Faults(), Upstream()
    made = replace(blueprint(upstream.deliver), gates=(Gate(frozenset({LANE}), faults.check),))
    await topics.send(envelope(stock("a")))
    service = Service(made, settings(topics.settings, tmp_path))
    running = asyncio.create_task(service.run())
    await asyncio.wait_for(service.ready.wait(), 20)
    # then it reads and decides, writes nothing, and is not ready
    await eventually(lambda: _asked(faults, 1), "the check is made")
    assert upstream.seen == []
    assert any("orders.warehouse" in why for why in await Watched(service, 10.0).not_ready())
    # when that is mended
    faults.left = []
    # then what was held is written, and the service is ready
    await until_said(topics, AvailabilityChanged, SHELF, 1)
    assert upstream.seen == [("a", 1)]
    assert not any("orders.warehouse" in why for why in await Watched(service, 10.0).not_ready())
    running.cancel()
    await asyncio.wait([running])


async def _asked(faults: Faults, times: int) -> bool:
    return faults.asked >= times
