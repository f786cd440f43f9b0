"""Writes that are due together share one read of the shop's list of orders."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from urllib.parse import parse_qs

import pytest

from services.engine.outbox.upstream_errors import Unavailable
from services.stock_publisher.decide import stock_lane_name
from services.stock_publisher.unread_orders import ThrottledAction
from tests.stock_publisher.order_list_bench import Store, at_once
from tests.support.engine_bench import Clock

pytestmark = [pytest.mark.claim("I1"), pytest.mark.claim("K1")]


async def test_orders_that_were_read_are_not_requested_again(store: Store) -> None:
    """Each read begins a few seconds before the previous one ended."""
    for n in range(20):
        store.clock.forward(seconds=20)
        store.buys(store.tea, 1)
        await store.takes(store.read("coffee", str(30 + n)))
        store.faults.journal.clear()
        await store.delivers()
    asked = [entry.query for entry in store.faults.journal.entries if entry.path.endswith("/orders")]
    since = store.clock.at - timedelta(seconds=31)
    assert [parse_qs(query)["modified_after"] for query in asked] == [[since.strftime("%Y-%m-%dT%H:%M:%S")]]


async def test_writes_that_wait_together_share_one_read() -> None:
    reads: list[float] = []
    slept: list[float] = []
    began = asyncio.Event()

    async def read() -> None:
        reads.append(time.monotonic())
        began.set()
        await asyncio.sleep(0.01)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(0)

    pace = ThrottledAction(read, 1.0, Clock(), sleep)
    first = asyncio.create_task(pace.run())
    await began.wait()
    # the first begins at once; all that arrive while it runs share the second
    await asyncio.gather(first, *[pace.run() for _ in range(50)])
    assert len(reads) == 2
    assert slept[0] == 0.0 and 0.9 < slept[1] <= 1.0


async def test_a_read_covers_earlier_decisions_for_a_second() -> None:
    clock, reads = Clock(), 0

    async def read() -> None:
        nonlocal reads
        reads += 1

    pace = ThrottledAction(read, 0.05, clock, at_once)
    before = clock.at.timestamp()
    assert not pace.covers(before)
    clock.forward(seconds=1)
    await pace.run()
    assert pace.covers(before)
    assert not pace.covers(clock.at.timestamp())
    # and not after the read has expired
    await asyncio.sleep(0.06)
    assert not pace.covers(before)


async def test_many_figures_written_at_once_share_one_read(store: Store) -> None:
    """An import changes everything at once: one read per write would make it slow."""
    store.clock.forward(minutes=10)
    await store.takes(store.read("tea", "11"), store.read("coffee", "21"))
    store.clock.forward(seconds=1)
    rows = await store.engine.claim(stock_lane_name("main"), 10, ())
    store.faults.journal.clear()
    for row_ in rows:
        outcomes = await store.unread.guard(store.write)([row_])
        await store.engine.settle(list(zip([row_], outcomes, strict=True)))
    assert store.held() == (11, 21)
    asked = [entry.path for entry in store.faults.journal.entries if entry.path.endswith("/orders")]
    assert len(asked) == 1


async def test_a_failed_read_covers_no_write() -> None:
    reads = 0

    async def read() -> None:
        nonlocal reads
        reads += 1
        if reads == 1:
            raise Unavailable("away")

    pace = ThrottledAction(read, 1.0, Clock(), at_once)
    with pytest.raises(Unavailable):
        await pace.run()
    await pace.run()
    assert reads == 2
