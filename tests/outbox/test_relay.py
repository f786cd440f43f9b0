"""Due rows leave in batches: each key in order, keys in parallel, and an outage costs nothing but its delay."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from contracts.reasons import Reason
from services.engine.outbox.breaker import Breaker
from services.engine.outbox.decision import Decision
from services.engine.outbox.lane import Lane, Row
from services.engine.outbox.outcome import Blocked, Done, Outcome, Refused, Unknown
from services.engine.outbox.relay import Relay
from tests.outbox.bench import Bench, Script
from tests.outbox.shelf import put_on_shelf, record, stock
from tests.outbox.upstream import Upstream, all_settled, done, eventually, gone, relaying, stocked, tried


async def test_whatever_is_due_leaves_and_is_settled(bench: Bench) -> None:
    upstream = Upstream()
    async with relaying(bench, upstream):
        await stocked(bench, "a", "b")
        await all_settled(bench)
        await stocked(bench, "c")
        await all_settled(bench)
    assert sorted(upstream.seen) == [("a", 1), ("b", 1), ("c", 1)]


async def test_rows_of_one_key_leave_in_order_and_one_at_a_time(scripted: Bench, script: Script) -> None:
    upstream = Upstream()
    deliveries = [replace(put_on_shelf(f"i{n}", n), key="same") for n in range(10)]
    script.wanted = {f"s{n}": Decision((delivery,)) for n, delivery in enumerate(deliveries)}
    async with relaying(scripted, upstream, batch=5):
        await scripted.touch(*script.wanted)
        script.wanted = {}
        await all_settled(scripted)
    assert upstream.seen == [("same", n) for n in range(10)]
    assert (upstream.most, upstream.overlaps) == (1, [])


async def test_different_keys_leave_in_parallel_up_to_the_lanes_limit(bench: Bench) -> None:
    upstream = Upstream()
    upstream.gate.clear()
    await stocked(bench, *[f"i{n:02}" for n in range(20)])
    async with relaying(bench, upstream, batch=4, concurrency=3):
        await upstream.reached(3)
        assert (upstream.most, [len(call) for call in upstream.calls]) == (12, [4, 4, 4])
        upstream.gate.set()
        await all_settled(bench)
    assert upstream.most == 12
    assert sorted(upstream.seen) == [(f"i{n:02}", 1) for n in range(20)]


async def test_an_exception_in_an_effect_is_an_unknown_outcome(bench: Bench) -> None:
    def answer(row: Row) -> Outcome:
        raise ConnectionResetError("by peer")

    await stocked(bench, "a")
    async with relaying(bench, Upstream(answer)):
        await eventually(tried(bench, "shelf:a"), "a noted attempt")
        assert await bench.due() == []
    bench.clock.advance(2)
    (row,) = await bench.due()
    assert [(each.outcome, each.detail) for each in row.attempts] == [("unknown", "ConnectionResetError: by peer")]


async def test_an_effect_that_forgets_a_row_leaves_its_batch_unknown(bench: Bench) -> None:
    async def deliver(rows: list[Row]) -> list[Outcome]:
        return [Done()] * (len(rows) - 1)

    upstream = Upstream()
    upstream.deliver = deliver  # type: ignore[method-assign,assignment]
    await stocked(bench, "a", "b")
    async with relaying(bench, upstream, batch=2):
        await eventually(tried(bench, "shelf:b"), "a noted attempt")
    bench.clock.advance(2)
    assert [row.attempts[0].detail for row in await bench.due()] == ["ValueError: 1 outcomes for 2 deliveries"] * 2


@pytest.mark.claim("K13")
async def test_a_refused_row_does_not_hold_up_its_batch(bench: Bench) -> None:
    upstream = Upstream(lambda row: Refused(Reason.SHOP_REFUSED, "no") if row.key == "i1" else Done())
    await stocked(bench, "i0", "i1", "i2")
    async with relaying(bench, upstream, batch=3):
        await eventually(gone(bench, "shelf:i1"), "the refusal")
    assert [letter.about for letter in await bench.letters()] == ["shelf:i1"]
    assert len(upstream.calls[0]) == 3


async def test_what_is_superseded_before_it_leaves_never_leaves(bench: Bench) -> None:
    upstream = Upstream()
    upstream.gate.clear()
    await stocked(bench, "a", "b", "c", "d")
    async with relaying(bench, upstream, concurrency=2):
        await upstream.reached(2)
        for quantity in (2, 3):
            await stocked(bench, "a", "c", "d", quantity=quantity)
        upstream.gate.set()
        await all_settled(bench)
    assert upstream.seen[:2] == [("a", 1), ("b", 1)]
    assert sorted(upstream.seen[2:]) == [("a", 3), ("c", 3), ("d", 3)]


async def test_what_is_taken_back_before_it_leaves_never_leaves(scripted: Bench, script: Script) -> None:
    upstream = Upstream()
    upstream.gate.clear()
    script.wanted = {item: Decision((put_on_shelf(item),)) for item in "abcd"}
    await scripted.touch(*"abcd")
    async with relaying(scripted, upstream, concurrency=2):
        await upstream.reached(2)
        script.wanted = {}
        await scripted.touch(*"abcd")
        upstream.gate.set()
        await all_settled(scripted)
    assert [key for key, _ in upstream.seen] == ["a", "b"]


async def test_stopping_finishes_and_settles_the_calls_under_way(bench: Bench) -> None:
    upstream = Upstream()
    upstream.gate.clear()
    await stocked(bench, "a", "b", "c")
    async with relaying(bench, upstream, concurrency=2):
        await upstream.reached(2)
        asyncio.get_running_loop().call_later(0.05, upstream.gate.set)
    assert list(await bench.rows()) == ["shelf:c"]
    assert len(upstream.calls) == 2


async def test_nothing_leaves_before_everything_known_is_read(bench: Bench) -> None:
    upstream = Upstream()
    await stocked(bench, "a")
    bench.engine.caught_up.clear()
    async with relaying(bench, upstream):
        bench.engine.caught_up.clear()
        await bench.take(record(stock("b")))
        assert upstream.calls == []
        await bench.engine.finish_catch_up()
        await all_settled(bench)
    assert sorted(upstream.seen) == [("a", 1), ("b", 1)]


@pytest.mark.parametrize("head", ["blocked", "on its way"])
async def test_a_relay_that_can_do_nothing_rests(scripted: Bench, script: Script, head: str) -> None:
    waits = Blocked("sale:1", Reason.REFUND_SALE_MISSING, "…") if head == "blocked" else None
    first, second = replace(put_on_shelf("a"), blocked=waits), replace(put_on_shelf("b"), key="a")
    script.wanted = {"a": Decision((first, second))}
    await scripted.touch("a")
    claims = 0
    claim = scripted.engine.claim

    async def counted(*asked: Any) -> list[Row]:
        nonlocal claims
        claims += 1
        return await claim(*asked)

    scripted.engine.claim = counted  # type: ignore[method-assign,assignment]
    upstream = Upstream()
    upstream.gate.clear()
    async with relaying(scripted, upstream):
        await asyncio.wait([asyncio.create_task(upstream.reached(1))], timeout=0.4)
        begun = claims
        await asyncio.wait([asyncio.create_task(upstream.reached(2))], timeout=0.4)
        upstream.gate.set()
    assert (len(upstream.calls), claims - begun) == (0 if waits else 1, 0)


async def test_a_wholly_unknown_batch_makes_the_lane_wait_and_a_mixed_one_does_not(bench: Bench) -> None:
    breaker = Breaker(lambda _: 0.05)
    upstream = Upstream(lambda row: done(row) if row.key == "b" else Unknown("timed out"))
    await stocked(bench, "a", "b")
    async with relaying(bench, upstream, batch=2, breaker=breaker):
        await eventually(tried(bench, "shelf:a"), "a noted attempt")
        assert (len(upstream.calls[0]), breaker.failures) == (2, 0)
        upstream.answer = lambda _: Unknown("timed out")
        await stocked(bench, "c")
        await eventually(tried(bench, "shelf:c"), "a noted attempt")
        assert breaker.failures == 1


async def test_a_relay_stops_even_if_it_is_woken_in_that_very_moment() -> None:
    rests = asyncio.Event()

    async def nothing(*_: object) -> list[Row]:
        return []

    async def idle(*_: object) -> float:
        rests.set()
        return 60.0

    relay = Relay(Lane("shelf", Upstream().deliver, Breaker()), nothing, nothing, idle)  # type: ignore[arg-type]
    running = asyncio.create_task(relay.run())
    await rests.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    relay.wake()
    running.cancel()
    await asyncio.wait([running], timeout=1)
    assert running.cancelled()
