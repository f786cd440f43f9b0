"""A live flow writes nothing before its checks have passed; their results are recorded with their time and reported."""

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
from tests.outbox.fake_upstream import Upstream
from tests.outbox.sample_service import LANE, envelope, handlers, record, stock
from tests.runtime.running_service import wait_for_events
from tests.runtime.sample_process import blueprint, settings

MISSING = ("orders.warehouse: not set",)
OTHER = "gate:balance-feed:balance"


class Faults:
    """A check that finds faults until they are fixed."""

    def __init__(self, *faults: str) -> None:
        self.remaining, self.checks, self.is_reachable = faults, 0, True

    async def check(self) -> GateLook:
        """The remaining faults."""
        self.checks += 1
        return GateLook(self.remaining, ("key", "warehouse"), self.is_reachable)


def new_gate(faults: Faults, about: str = "one", after: str = "") -> Gate:
    """A gate before the lane of the sample service."""
    return Gate("availability", frozenset({LANE}), faults.check, ("stock",), about, after, "balance" if after else "")


def new_gatekeeper(bench: Bench, gate: Gate, waits: list[str] | None = None, pace: float = 3600.0) -> Gatekeeper:
    """The gatekeeper of a gate."""
    return Gatekeeper(bench.engine, "sample", gate, (waits if waits is not None else []).append, pace)


@asynccontextmanager
async def open_gate_bench(folder: Path) -> AsyncIterator[Bench]:
    async with open_bench(folder, with_gate_rules(handlers())) as bench:
        yield bench


async def verdicts(bench: Bench) -> list[str]:
    """The results of the gate so far."""
    return [event.verdict for event in await bench.events_of(GateChecked)]


@pytest.mark.claim("S1.8")
async def test_a_gate_opens_when_its_check_passes_and_the_result_is_reported_with_its_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    faults, waits = Faults(*MISSING), list[str]()
    async with open_gate_bench(tmp_path) as bench:
        kept = new_gatekeeper(bench, new_gate(faults), waits)
        with caplog.at_level(logging.ERROR):
            running = asyncio.create_task(kept.run(first_pause=0.01))
            await eventually(lambda: _was_checked(faults, 3), "repeated checks while the gate is closed")
            assert not kept.opened.is_set()
            bench.clock.advance(60)
            faults.remaining = ()
            await asyncio.wait_for(kept.opened.wait(), 5)
        running.cancel()
        shut, passed = await bench.events_of(GateChecked)
    assert ("orders.warehouse" in waits[0], waits[-1]) == (True, "")
    assert (shut.verdict, shut.why, shut.passed_at) == ("shut", MISSING, None)
    assert (passed.verdict, passed.why, passed.looked_at) == ("passed", (), ("key", "warehouse"))
    assert passed.passed_at == passed.checked_at == shut.checked_at + timedelta(seconds=60)
    assert all("davtari check" in vars(record)["fix"] for record in caplog.records)


async def test_a_revoked_permission_is_reported_and_stops_nothing(tmp_path: Path) -> None:
    faults = Faults()
    async with open_gate_bench(tmp_path) as bench:
        kept = new_gatekeeper(bench, new_gate(faults), pace=0.01)
        running = asyncio.create_task(kept.run())
        await asyncio.wait_for(kept.opened.wait(), 5)
        # an outage shows nothing; a refusal does
        faults.remaining, faults.is_reachable = ("Warehouses: no answer",), False
        enough = faults.checks + 3
        await eventually(lambda: _was_checked(faults, enough), "checks during an outage")
        assert await verdicts(bench) == ["passed"]
        faults.remaining, faults.is_reachable = ("Warehouses: HTTP 403",), True
        await eventually(lambda: _has_result(bench, "lost"), "a report of the revoked permission")
        assert kept.opened.is_set()
        faults.remaining = ()
        await eventually(lambda: _has_result(bench, "passed"), "a report that the permission is back")
        running.cancel()
        assert await verdicts(bench) == ["passed", "lost", "passed"]
        lines = "\n".join(map(str, gate_lines(await bench.events_of(GateChecked))))
    assert "no longer passed, still live" in lines


async def test_an_unchanged_result_is_reported_once_a_day_across_restarts(tmp_path: Path) -> None:
    faults = Faults()
    async with open_gate_bench(tmp_path) as bench:
        kept = new_gatekeeper(bench, new_gate(faults))
        for _ in range(3):
            await kept.check()
        [first] = await bench.events_of(GateChecked)
        await bench.take(record(first))
        assert (await read_gates(bench.database))[first.key].passed_at == first.checked_at
        await new_gatekeeper(bench, new_gate(faults)).check()
        assert len(await bench.events_of(GateChecked)) == 1
        bench.clock.advance(86_400)
        await kept.check()
        again = (await bench.events_of(GateChecked))[-1]
        assert (again.since, again.checked_at - first.checked_at) == (first.since, timedelta(days=1))


@pytest.mark.claim("S1.8")
async def test_writes_to_a_shop_wait_until_balance_feed_has_read_the_lookups_of_this_balance(
    tmp_path: Path,
) -> None:
    faults = Faults()
    async with open_gate_bench(tmp_path) as bench:
        kept = new_gatekeeper(bench, new_gate(faults, after=OTHER))
        running = asyncio.create_task(kept.run())
        await eventually(lambda: _has_result(bench, "shut"), "a report that it waits")
        waiting = (await bench.events_of(GateChecked))[-1]
        assert OTHER in waiting.why[0]
        # another Balance has passed, or this one has not: neither opens the gate
        other = waiting.model_copy(
            update={"service": "balance-feed", "gate": "balance", "verdict": "passed", "why": ()}
        )
        passed_at = bench.clock()
        await bench.take(record(other.model_copy(update={"about": "another", "passed_at": passed_at}), 1))
        await bench.take(record(other.model_copy(update={"about": "balance", "verdict": "shut"}), 2))
        assert (faults.checks, kept.opened.is_set()) == (0, False)
        # when this one has passed
        await bench.take(record(other.model_copy(update={"about": "balance", "passed_at": passed_at}), 3))
        await asyncio.wait_for(kept.opened.wait(), 5)
        running.cancel()


@pytest.mark.kafka
async def test_a_closed_gate_stops_only_its_lane(
    topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_module, "LONGEST_PAUSE", 0.2)
    # given a service whose check fails
    faults, upstream = Faults(*MISSING), Upstream()
    made = replace(blueprint(upstream.deliver), gates=(new_gate(faults),))
    await topics.send(envelope(stock("a")))
    service = Service(made, settings(topics.settings, tmp_path))
    running = asyncio.create_task(service.run())
    await asyncio.wait_for(service.ready.wait(), 20)
    # then it reads and decides, but writes nothing and is not ready
    await eventually(lambda: _waits(service), "the faults in the readiness report")
    assert upstream.seen == []
    # when the fault is fixed
    faults.remaining = ()
    # then the held delivery is written and the service is ready
    await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 1)
    assert upstream.seen == [("a", 1)]
    assert not await _waits(service)
    running.cancel()
    await asyncio.wait([running])


async def _was_checked(faults: Faults, times: int) -> bool:
    return faults.checks >= times


async def _has_result(bench: Bench, verdict: str) -> bool:
    return (await verdicts(bench))[-1:] == [verdict]


async def _waits(service: Service) -> bool:
    return any("orders.warehouse" in why for why in await ServiceMonitor(service, 10.0).readiness_faults())
