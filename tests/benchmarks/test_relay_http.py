"""The relay to an upstream of no latency, against a bare httpx loop that sends the same bodies just as concurrently."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import httpx
import orjson
import pytest

from contracts.reasons import Reason
from services.connectors.http.responses import UpstreamLabels
from services.connectors.http.upstream import Upstream
from services.engine.outbox.breaker import Breaker
from services.engine.outbox.engine import Engine
from services.engine.outbox.lane import Lane, Row
from services.engine.outbox.outcome import Done, Outcome
from services.engine.outbox.relay import Relay
from tests.benchmarks.board import Board
from tests.benchmarks.figure import throughput
from tests.benchmarks.given import records, stock
from tests.benchmarks.mirror import LANE, PUBLISHED, handlers, published
from tests.benchmarks.processes import child
from tests.benchmarks.rounds import by_turns, stopwatch
from tests.benchmarks.size import sized
from tests.support.engine_bench import Clock, opened

LABELS = UpstreamLabels("stub", Reason.SHOP_REFUSED, "", "")
COUNT, ROUNDS, CONCURRENCY = sized(1500, 200), sized(5, 1), 4


class Sink:
    """Deliveries to the stub; knows when the last one of a round has been made durable."""

    def __init__(self, upstream: Upstream, url: str, engine: Engine) -> None:
        self._upstream, self._url = upstream, f"{url}/items"
        self.bodies: list[bytes] = []
        engine.on_change.append(lambda: None)

    async def deliver(self, rows: Sequence[Row]) -> Sequence[Outcome]:
        """One request for each row."""
        (row,) = rows
        body = orjson.dumps(row.payload)
        await self._upstream.request("PUT", self._url, content=body, writes=True)
        self.bodies.append(body)
        return [Done(keep=((PUBLISHED, row.key, published(row)),))]


@pytest.mark.timeout(300)
async def test_deliveries_leave_the_outbox(tmp_path: Path, board: Board) -> None:
    with child("stub_http", "echo") as url:
        async with (
            httpx.AsyncClient(base_url=url) as client,
            Upstream(LABELS) as upstream,
            opened("bench", handlers(), tmp_path, Clock()) as engine,
        ):
            sink = Sink(upstream, url, engine)

            async def relay(number: int) -> float:
                sink.bodies.clear()
                await engine.take(records([stock(n, number + 1) for n in range(COUNT)], number + 1))
                async with stopwatch() as watch:
                    await _relayed(engine, sink)
                assert len(sink.bodies) == COUNT
                return watch.seconds

            async def bare(_: int) -> float:
                left = list(sink.bodies)
                async with stopwatch() as watch:
                    await asyncio.gather(*[_send_all(client, left) for _ in range(CONCURRENCY)])
                return watch.seconds

            times = await by_turns(relay, bare, ROUNDS)
    board.show(throughput("relay_http", "requests/s", COUNT, times, None))


async def _relayed(engine: Engine, sink: Sink) -> None:
    """Run the relay until every row of its lane is settled."""
    lane = Lane(LANE, sink.deliver, Breaker(), concurrency=CONCURRENCY)
    relay = Relay(lane, engine.claim, engine.settle, engine.wait_due)
    settled = asyncio.Event()

    def look() -> None:
        relay.wake()
        if len(sink.bodies) == COUNT:
            settled.set()

    engine.on_change[:] = [look]
    running = asyncio.create_task(relay.run())
    await settled.wait()
    while await engine.claim(LANE, 1, ()):
        settled.clear()
        await settled.wait()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def _send_all(client: httpx.AsyncClient, left: list[bytes]) -> None:
    while left:
        response = await client.put("/items", content=left.pop())
        response.raise_for_status()
