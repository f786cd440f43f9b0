"""A live flow writes nothing before its checks have passed; what came of them is kept with its time, and told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.catalog import AvailabilityChanged
from contracts.gates import GateChecked
from services.cli.gates import gate_lines
from services.engine.runtime import gate as gate_module
from services.engine.runtime.gate import Gate, Gatekeeper, GateLook, read_gates, with_gate_rules
from services.engine.runtime.service import Service
from services.engine.runtime.service_monitor import ServiceMonitor
from tests.kafka.topics import AVAILABILITY, Topics, eventually
from tests.outbox.bench import Bench, open_bench
from tests.outbox.shelf import LANE, envelope, handlers, record, stock
from tests.outbox.upstream import Upstream
from tests.runtime.house import until_said
from tests.runtime.toy import blueprint, settings

MISSING = ("orders.warehouse: not set",)
OTHER = "gate:balance-feed:balance"


class Faults:
    """A check that finds something until it is mended."""

    def __init__(self, *faults: str) -> None:
        self.left, self.asked, self.reached = faults, 0, True

    async def check(self) -> GateLook:
        """What is wrong now."""
        self.asked += 1
        return GateLook(self.left, ("key", "warehouse"), self.reached)


def gate(faults: Faults, about: str = "one", after: str = "") -> Gate:
    """A gate before the shelf."""
    return Gate("shelf", frozenset({LANE}), faults.check, ("stock",), about, after, "balance" if after else "")


def keeper(bench: Bench, found: Gate, waits: list[str] | None = None, pace: float = 3600.0) -> Gatekeeper:
    """The keeper of a gate."""
    return Gatekeeper(bench.engine, "toy", found, (waits if waits is not None else []).append, pace)


@asynccontextmanager
async def a_bench(folder: Path) -> AsyncIterator[Bench]:
    async with open_bench(folder, with_gate_rules(handlers())) as bench:
        yield bench


async def verdicts(bench: Bench) -> list[str]:
    """What was said of the gate so far."""
    return [event.verdict for event in await bench.said(GateChecked)]


@pytest.mark.claim("S1.8")
async def test_a_gate_opens_when_its_check_passes_and_the_result_is_told_with_its_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    faults, waits = Faults(*MISSING), list[str]()
    async with a_bench(tmp_path) as bench:
        kept = keeper(bench, gate(faults), waits)
        with caplog.at_level(logging.ERROR):
            running = asyncio.create_task(kept.run(first_pause=0.01))
            await eventually(lambda: _asked(faults, 3), "it is looked at again while it is shut")
            assert not kept.opened.is_set()
            bench.clock.advance(60)
            faults.left = ()
            await asyncio.wait_for(kept.opened.wait(), 5)
        running.cancel()
        shut, passed = await bench.said(GateChecked)
    assert ("orders.warehouse" in waits[0], waits[-1]) == (True, "")
    assert (shut.verdict, shut.why, shut.passed_at) == ("shut", MISSING, None)
    assert (passed.verdict, passed.why, passed.looked_at) == ("passed", (), ("key", "warehouse"))
    assert passed.passed_at == passed.checked_at == shut.checked_at + timedelta(seconds=60)
    assert all("davtari check" in vars(record)["fix"] for record in caplog.records)


async def test_a_right_that_is_lost_later_is_told_and_shuts_nothing(tmp_path: Path) -> None:
    faults = Faults()
    async with a_bench(tmp_path) as bench:
        kept = keeper(bench, gate(faults), pace=0.01)
        running = asyncio.create_task(kept.run())
        await asyncio.wait_for(kept.opened.wait(), 5)
        # an outage proves nothing; a refusal does
        faults.left, faults.reached = ("Warehouses: no answer",), False
        enough = faults.asked + 3
        await eventually(lambda: _asked(faults, enough), "it is looked at during an outage")
        assert await verdicts(bench) == ["passed"]
        faults.left, faults.reached = ("Warehouses: HTTP 403",), True
        await eventually(lambda: _said(bench, "lost"), "the lost right is told")
        assert kept.opened.is_set()
        faults.left = ()
        await eventually(lambda: _said(bench, "passed"), "and that it is back")
        running.cancel()
        assert await verdicts(bench) == ["passed", "lost", "passed"]
        told = "\n".join(gate_lines(await bench.said(GateChecked)))
    assert "no longer passed, still live" in told


async def test_a_verdict_that_stands_is_told_once_a_day_also_over_restarts(tmp_path: Path) -> None:
    faults = Faults()
    async with a_bench(tmp_path) as bench:
        kept = keeper(bench, gate(faults))
        for _ in range(3):
            await kept.check()
        [first] = await bench.said(GateChecked)
        await bench.take(record(first))
        assert (await read_gates(bench.database))[first.key].passed_at == first.checked_at
        await keeper(bench, gate(faults)).check()
        assert len(await bench.said(GateChecked)) == 1
        bench.clock.advance(86_400)
        await kept.check()
        again = (await bench.said(GateChecked))[-1]
        assert (again.since, again.checked_at - first.checked_at) == (first.since, timedelta(days=1))


@pytest.mark.claim("S1.8")
async def test_writes_to_a_shop_wait_until_balance_feed_has_read_the_lookups_of_this_very_balance(
    tmp_path: Path,
) -> None:
    faults = Faults()
    async with a_bench(tmp_path) as bench:
        kept = keeper(bench, gate(faults, after=OTHER))
        running = asyncio.create_task(kept.run())
        await eventually(lambda: _said(bench, "shut"), "it says that it waits")
        said = (await bench.said(GateChecked))[-1]
        assert OTHER in said.why[0]
        # another Balance has passed, or this one has not: that is no leave
        other = said.model_copy(update={"service": "balance-feed", "gate": "balance", "verdict": "passed", "why": ()})
        passed_at = bench.clock()
        await bench.take(record(other.model_copy(update={"about": "another", "passed_at": passed_at}), 1))
        await bench.take(record(other.model_copy(update={"about": "balance", "verdict": "shut"}), 2))
        assert (faults.asked, kept.opened.is_set()) == (0, False)
        # when this one has
        await bench.take(record(other.model_copy(update={"about": "balance", "passed_at": passed_at}), 3))
        await asyncio.wait_for(kept.opened.wait(), 5)
        running.cancel()


@pytest.mark.kafka
async def test_a_closed_gate_holds_the_lane_and_nothing_else(
    topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_module, "LONGEST_PAUSE", 0.2)
    # given a service whose check does not pass
    faults, upstream = Faults(*MISSING), Upstream()
    made = replace(blueprint(upstream.deliver), gates=(gate(faults),))
    await topics.send(envelope(stock("a")))
    service = Service(made, settings(topics.settings, tmp_path))
    running = asyncio.create_task(service.run())
    await asyncio.wait_for(service.ready.wait(), 20)
    # then it reads and decides, writes nothing, and is not ready
    await eventually(lambda: _waits(service), "the check is made, and what it found is shown")
    assert upstream.seen == []
    # when that is mended
    faults.left = ()
    # then what was held is written, and the service is ready
    await until_said(topics, AvailabilityChanged, AVAILABILITY, 1)
    assert upstream.seen == [("a", 1)]
    assert not await _waits(service)
    running.cancel()
    await asyncio.wait([running])


async def _asked(faults: Faults, times: int) -> bool:
    return faults.asked >= times


async def _said(bench: Bench, verdict: str) -> bool:
    return (await verdicts(bench))[-1:] == [verdict]


async def _waits(service: Service) -> bool:
    return any("orders.warehouse" in why for why in await ServiceMonitor(service, 10.0).readiness_faults())
