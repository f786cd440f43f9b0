"""Due rows are delivered in batches: each key in order, different keys in parallel."""

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
from tests.outbox.fake_upstream import (
    Upstream,
    add_stock,
    done,
    eventually,
    has_attempt,
    have_left,
    run_relay,
    wait_until_empty,
)
from tests.outbox.sample_service import availability_delivery, record, stock


async def test_due_rows_are_delivered_and_settled(bench: Bench) -> None:
    upstream = Upstream()
    async with run_relay(bench, upstream):
        await add_stock(bench, "a", "b")
        await wait_until_empty(bench)
        await add_stock(bench, "c")
        await wait_until_empty(bench)
    assert sorted(upstream.seen) == [("a", 1), ("b", 1), ("c", 1)]


async def test_rows_of_one_key_are_delivered_in_order_and_one_at_a_time(scripted: Bench, script: Script) -> None:
    upstream = Upstream()
    deliveries = [replace(availability_delivery(f"i{n}", n), key="same") for n in range(10)]
    script.wanted = {f"s{n}": Decision((delivery,)) for n, delivery in enumerate(deliveries)}
    async with run_relay(scripted, upstream, batch=5):
        await scripted.touch(*script.wanted)
        script.wanted = {}
        await wait_until_empty(scripted)
    assert upstream.seen == [("same", n) for n in range(10)]
    assert (upstream.most, upstream.overlaps) == (1, [])


async def test_different_keys_are_delivered_in_parallel_up_to_the_limit_of_the_lane(bench: Bench) -> None:
    upstream = Upstream()
    upstream.gate.clear()
    await add_stock(bench, *[f"i{n:02}" for n in range(20)])
    async with run_relay(bench, upstream, batch=4, concurrency=3):
        await upstream.wait_for_calls(3)
        assert (upstream.most, [len(call) for call in upstream.calls]) == (12, [4, 4, 4])
        upstream.gate.set()
        await wait_until_empty(bench)
    assert upstream.most == 12
    assert sorted(upstream.seen) == [(f"i{n:02}", 1) for n in range(20)]


async def test_an_exception_in_a_delivery_function_is_an_unknown_outcome(bench: Bench) -> None:
    def answer(row: Row) -> Outcome:
        raise ConnectionResetError("by peer")

    await add_stock(bench, "a")
    async with run_relay(bench, Upstream(answer)):
        await eventually(has_attempt(bench, "availability:a"), "a recorded attempt")
        assert await bench.due() == []
    bench.clock.advance(2)
    (row,) = await bench.due()
    assert [(each.outcome, each.detail) for each in row.attempts] == [("unknown", "ConnectionResetError: by peer")]


async def test_a_missing_outcome_makes_the_whole_batch_unknown(bench: Bench) -> None:
    async def deliver(rows: list[Row]) -> list[Outcome]:
        return [Done()] * (len(rows) - 1)

    upstream = Upstream()
    upstream.deliver = deliver  # type: ignore[method-assign,assignment]
    await add_stock(bench, "a", "b")
    async with run_relay(bench, upstream, batch=2):
        await eventually(has_attempt(bench, "availability:b"), "a recorded attempt")
    bench.clock.advance(2)
    assert [row.attempts[0].detail for row in await bench.due()] == ["ValueError: 1 outcomes for 2 deliveries"] * 2


@pytest.mark.claim("K13")
async def test_a_refused_row_does_not_hold_up_its_batch(bench: Bench) -> None:
    upstream = Upstream(lambda row: Refused(Reason.SHOP_REFUSED, "no") if row.key == "i1" else Done())
    await add_stock(bench, "i0", "i1", "i2")
    async with run_relay(bench, upstream, batch=3):
        await eventually(have_left(bench, "availability:i1"), "the refusal")
    assert [dead_letter.about for dead_letter in await bench.dead_letters()] == ["availability:i1"]
    assert len(upstream.calls[0]) == 3


async def test_a_row_that_is_replaced_before_delivery_is_never_delivered(bench: Bench) -> None:
    upstream = Upstream()
    upstream.gate.clear()
    await add_stock(bench, "a", "b", "c", "d")
    async with run_relay(bench, upstream, concurrency=2):
        await upstream.wait_for_calls(2)
        for quantity in (2, 3):
            await add_stock(bench, "a", "c", "d", quantity=quantity)
        upstream.gate.set()
        await wait_until_empty(bench)
    assert upstream.seen[:2] == [("a", 1), ("b", 1)]
    assert sorted(upstream.seen[2:]) == [("a", 3), ("c", 3), ("d", 3)]


async def test_a_row_that_is_withdrawn_before_delivery_is_never_delivered(scripted: Bench, script: Script) -> None:
    upstream = Upstream()
    upstream.gate.clear()
    script.wanted = {item: Decision((availability_delivery(item),)) for item in "abcd"}
    await scripted.touch(*"abcd")
    async with run_relay(scripted, upstream, concurrency=2):
        await upstream.wait_for_calls(2)
        script.wanted = {}
        await scripted.touch(*"abcd")
        upstream.gate.set()
        await wait_until_empty(scripted)
    assert [key for key, _ in upstream.seen] == ["a", "b"]


async def test_stopping_finishes_and_settles_the_calls_in_progress(bench: Bench) -> None:
    upstream = Upstream()
    upstream.gate.clear()
    await add_stock(bench, "a", "b", "c")
    async with run_relay(bench, upstream, concurrency=2):
        await upstream.wait_for_calls(2)
        asyncio.get_running_loop().call_later(0.05, upstream.gate.set)
    assert list(await bench.rows()) == ["availability:c"]
    assert len(upstream.calls) == 2


async def test_nothing_is_delivered_before_the_service_has_caught_up(bench: Bench) -> None:
    upstream = Upstream()
    await add_stock(bench, "a")
    bench.engine.caught_up.clear()
    async with run_relay(bench, upstream):
        bench.engine.caught_up.clear()
        await bench.take(record(stock("b")))
        assert upstream.calls == []
        await bench.engine.finish_catch_up()
        await wait_until_empty(bench)
    assert sorted(upstream.seen) == [("a", 1), ("b", 1)]


@pytest.mark.parametrize("head", ["blocked", "in flight"])
async def test_a_relay_without_deliverable_rows_does_not_poll(scripted: Bench, script: Script, head: str) -> None:
    waits = Blocked("sale:1", Reason.REFUND_SALE_MISSING, "…") if head == "blocked" else None
    first, second = replace(availability_delivery("a"), blocked=waits), replace(availability_delivery("b"), key="a")
    script.wanted = {"a": Decision((first, second))}
    await scripted.touch("a")
    claims = 0
    claim = scripted.engine.claim

    async def count_claims(*asked: Any) -> list[Row]:
        nonlocal claims
        claims += 1
        return await claim(*asked)

    scripted.engine.claim = count_claims  # type: ignore[method-assign,assignment]
    upstream = Upstream()
    upstream.gate.clear()
    async with run_relay(scripted, upstream):
        await asyncio.wait([asyncio.create_task(upstream.wait_for_calls(1))], timeout=0.4)
        begun = claims
        await asyncio.wait([asyncio.create_task(upstream.wait_for_calls(2))], timeout=0.4)
        upstream.gate.set()
    assert (len(upstream.calls), claims - begun) == (0 if waits else 1, 0)


async def test_only_a_batch_with_all_outcomes_unknown_makes_the_lane_wait(bench: Bench) -> None:
    breaker = Breaker(lambda _: 0.05)
    upstream = Upstream(lambda row: done(row) if row.key == "b" else Unknown("timed out"))
    await add_stock(bench, "a", "b")
    async with run_relay(bench, upstream, batch=2, breaker=breaker):
        await eventually(has_attempt(bench, "availability:a"), "a recorded attempt")
        assert (len(upstream.calls[0]), breaker.failures) == (2, 0)
        upstream.answer = lambda _: Unknown("timed out")
        await add_stock(bench, "c")
        await eventually(has_attempt(bench, "availability:c"), "a recorded attempt")
        assert breaker.failures == 1


async def test_a_relay_stops_even_if_it_is_woken_at_the_same_moment() -> None:
    rests = asyncio.Event()

    async def nothing(*_: object) -> list[Row]:
        return []

    async def idle(*_: object) -> float:
        rests.set()
        return 60.0

    relay = Relay(Lane("availability", Upstream().deliver, Breaker()), nothing, nothing, idle)  # type: ignore[arg-type]
    running = asyncio.create_task(relay.run())
    await rests.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    relay.wake()
    running.cancel()
    await asyncio.wait([running], timeout=1)
    assert running.cancelled()
