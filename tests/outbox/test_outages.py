"""While an upstream is down its lanes wait, one probe is sent, and nothing is counted, written or lost."""

from __future__ import annotations

import asyncio
import time
from asyncio import FIRST_COMPLETED

import pytest

from services.engine.outbox.breaker import Breaker
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Done, Outcome, Retry
from tests.outbox.bench import Bench
from tests.outbox.fake_upstream import Upstream, add_stock, done, eventually, have_left, run_relay


@pytest.mark.claim("S1.17", "S0.19")
async def test_an_outage_only_delays_deliveries(bench: Bench) -> None:
    down = 5

    def answer(row: Row) -> Outcome:
        nonlocal down
        down -= 1
        return Retry("503") if down >= 0 else Done()

    upstream = Upstream(answer)
    await add_stock(bench, "a")
    before = await bench.rows()
    async with run_relay(bench, upstream):
        await upstream.wait_for_calls(5)
        assert await bench.rows() == before
        await upstream.wait_for_calls(6)
    assert [call[0].attempts for call in upstream.calls] == [()] * 6
    assert await bench.dead_letters() == []


async def test_only_one_probe_is_sent_while_the_upstream_is_down(bench: Bench) -> None:
    breaker = Breaker(lambda _: 0.02)
    upstream = Upstream(lambda _: Retry("503"))
    await add_stock(bench, "a", "b", "c", "d")
    async with run_relay(bench, upstream, breaker=breaker):
        await upstream.wait_for_calls(1)
        upstream.gate.clear()
        calls = len(upstream.calls)
        await upstream.wait_for_calls(calls + 1)
        for _ in range(20):
            await bench.touch("a")
        assert (len(upstream.calls), breaker.probing) == (calls + 1, True)
        upstream.answer = lambda _: Done()
        upstream.gate.set()
        await upstream.wait_for_calls(calls + 4)


async def test_two_lanes_of_one_upstream_share_one_probe(bench: Bench) -> None:
    breaker = Breaker(lambda _: 0.01)
    one, two = Upstream(), Upstream()
    for upstream in (one, two):
        upstream.gate.clear()
    await add_stock(bench, "a")
    breaker.failed(0.0, "503")
    async with run_relay(bench, one, breaker=breaker), run_relay(bench, two, breaker=breaker):
        await asyncio.wait(
            [asyncio.create_task(each.wait_for_calls(1)) for each in (one, two)], return_when=FIRST_COMPLETED
        )
        for _ in range(10):
            await bench.touch("a")
        assert len(one.calls) + len(two.calls) == 1
        one.gate.set()
        two.gate.set()


async def test_retry_after_of_the_upstream_is_respected(bench: Bench) -> None:
    answers: list[Outcome] = [Retry("429", after=0.15), Done()]
    upstream = Upstream(lambda _: answers.pop(0))
    await add_stock(bench, "a")
    async with run_relay(bench, upstream):
        await upstream.wait_for_calls(2)
    assert upstream.times[1] - upstream.times[0] >= 0.15


async def test_a_late_answer_does_not_shorten_retry_after(bench: Bench) -> None:
    late, limited = asyncio.Event(), asyncio.Event()

    async def deliver(rows: list[Row]) -> list[Outcome]:
        calls.append(rows[0].key)
        if len(calls) == 1:
            await late.wait()
            return [done(rows[0])]
        limited.set()
        return [Retry("429", after=30.0)]

    calls: list[str] = []
    breaker = Breaker()
    upstream = Upstream()
    upstream.deliver = deliver  # type: ignore[method-assign,assignment]
    await add_stock(bench, "a", "b", "c")
    async with run_relay(bench, upstream, concurrency=2, breaker=breaker):
        await limited.wait()
        late.set()
        await eventually(have_left(bench, "availability:a"), "the late answer is settled")
        assert breaker.state(time.monotonic()) == "open"
        assert len(calls) == 2


async def test_the_lane_waits_while_outcomes_cannot_be_written(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing(*_: object) -> None:
        raise OSError("disk full")

    breaker = Breaker(lambda _: 60.0)
    upstream = Upstream(lambda _: Done())
    await add_stock(bench, "a")
    monkeypatch.setattr(bench.engine, "_write", failing)
    async with run_relay(bench, upstream, breaker=breaker):
        await upstream.wait_for_calls(1)

        async def opened() -> bool:
            return breaker.failures > 0

        await eventually(opened, "an open breaker")
        await asyncio.wait([asyncio.create_task(upstream.wait_for_calls(2))], timeout=0.2)
    assert (len(upstream.calls), breaker.why) == (1, "outcomes cannot be written: disk full")
