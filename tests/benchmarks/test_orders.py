"""Orders become Sales: against a bare loop that makes the same requests, against a slow Balance, and computed alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from pydantic import SecretStr

from contracts.shop import OrderChanged
from services.accounting.documents.unbookable import Unbookable
from services.connectors.balance.client import Balance
from services.connectors.woocommerce.order import order_changed
from services.engine.clock import utc_now
from services.engine.outbox.breaker import Breaker
from services.engine.outbox.engine import Engine
from services.engine.outbox.lane import Lane
from services.order_exporter.deliveries import deliveries
from services.order_exporter.handlers import SALE_LANE, handlers
from services.order_exporter.projection import SERVICE
from services.sandbox.recorded import get_recording, list_order_ids
from services.settings.model import Settings
from tests.benchmarks.board import Board
from tests.benchmarks.figure import Times, duration, throughput
from tests.benchmarks.given import records
from tests.benchmarks.processes import child
from tests.benchmarks.relaying import Counting, relaying
from tests.benchmarks.rounds import by_turns, stopwatch
from tests.benchmarks.size import sized
from tests.support.engine_bench import Clock, opened
from tests.support.exporting import SHOP, line, link, order, sale_task, settings

CONCURRENCY, REQUESTS = 4, 3
"""Each Sale is looked for, written and read back."""
COUNT, ROUNDS = sized(400, 40), sized(3, 1)
SLOW_COUNT, SLOW_MS, SLOW_GOAL = sized(80, 16), 300, 1.05
COMPUTED, COMPUTED_GOAL = sized(10_000, 500), 2.5
PRODUCTS = (311, 312, 313)
CURRENCIES = {"USD": "66666666-0000-4000-8000-000000000001", "EUR": "66666666-0000-4000-8000-000000000002"}


def bought(number: int) -> OrderChanged:
    """An order of three products and shipping."""
    lines = [line(n, f"{10 + n}.50", quantity="2", product=product) for n, product in enumerate(PRODUCTS, 1)]
    return order(*lines, line(9, "5.00", kind="shipping"), order_id=number, number=str(number))


def to(url: str) -> Settings:
    """Settings with the stub as Balance."""
    return settings(balance={"transport": "on-prem", "url": url, "concurrency": CONCURRENCY})


@asynccontextmanager
async def exporting(using: Settings, folder: Path) -> AsyncIterator[tuple[Engine, Counting]]:
    """The exporter over an empty database; its clients are all known."""
    async with (
        Balance(using.balance, SecretStr("x")) as balance,
        opened(SERVICE, handlers(using), folder, Clock()) as engine,
    ):
        deliver = deliveries(balance, using.balance.dialect, utc_now)[SALE_LANE]
        async with relaying(engine, Lane(SALE_LANE, deliver, Breaker(), concurrency=CONCURRENCY)) as relay:
            await engine.take(records([link(product) for product in PRODUCTS]))
            yield engine, relay


async def ours(url: str, folder: Path, first: int, count: int, at_once: int = 100) -> float:
    """From the facts, of which so many come at once, to the recorded Sales, durable."""
    facts = records([bought(n) for n in range(first, first + count)])
    async with exporting(to(url), folder) as (engine, relay):
        async with stopwatch() as watch:
            for start in range(0, count, at_once):
                await engine.take(facts[start : start + at_once])
            await relay.done(count)
        assert relay.outcomes == {"Done": count}
    return watch.seconds


async def floor(url: str, first: int, count: int) -> float:
    """The same requests with ready-made bodies."""
    documents = [sale_task(bought(n), to(url)).document for n in range(first, first + count)]
    left = [(document["uid"], orjson.dumps([document])) for document in documents]
    async with httpx.AsyncClient(base_url=url, auth=("davtari", "x"), timeout=60) as client, stopwatch() as watch:
        await asyncio.gather(*[_send_all(client, left) for _ in range(CONCURRENCY)])
    return watch.seconds


async def _send_all(client: httpx.AsyncClient, left: list[tuple[str, bytes]]) -> None:
    while left:
        uid, body = left.pop()
        assert (await client.get("/Sale", params={"uid": uid})).status_code == 404
        (await client.put("/Sale", content=body)).raise_for_status()
        assert (await client.get("/Sale", params={"uid": uid})).raise_for_status().json()[0]["uid"] == uid


@pytest.mark.timeout(300)
async def test_orders_become_sales(tmp_path: Path, board: Board) -> None:
    with child("stub_books", "0") as url:

        async def relay(number: int) -> float:
            return await ours(url, tmp_path / f"round-{number}", 1 + 2 * number * COUNT, COUNT)

        async def bare(number: int) -> float:
            return await floor(url, 1 + (2 * number + 1) * COUNT, COUNT)

        times = await by_turns(relay, bare, ROUNDS)
    note = f"facts → Sales, durable, {REQUESTS} requests each, {CONCURRENCY} at a time"
    board.show(throughput("orders_vs_loop", "orders/s", COUNT, times, None, note))


@pytest.mark.timeout(120)
async def test_orders_become_sales_in_a_slow_balance(tmp_path: Path, board: Board) -> None:
    least = SLOW_COUNT * REQUESTS * SLOW_MS / 1000 / CONCURRENCY
    with child("stub_books", str(SLOW_MS)) as url:
        taken = await ours(url, tmp_path, 1, SLOW_COUNT, at_once=10)
    note = f"{SLOW_COUNT} orders, {REQUESTS} requests of {SLOW_MS} ms each, {CONCURRENCY} at a time; floor: computed"
    board.show(duration("orders_300ms", "s", Times([taken], [least]), SLOW_GOAL, note))


def test_orders_are_computed_to_documents(board: Board) -> None:
    using = settings(balance={"currencies": CURRENCIES})
    texts = list(islice(cycle([orjson.dumps(json) for json in _bookable(using)]), COMPUTED))
    times = Times([_seconds(texts, using)], [_seconds(texts, None)])
    note = f"{COMPUTED:,} recorded orders parsed and computed; floor: parsed alone"
    board.show(duration("documents_10000", "s", times, COMPUTED_GOAL, note))


def _bookable(using: Settings) -> list[Mapping[str, Any]]:
    found = []
    for json in (get_recording(order_id).order for order_id in list_order_ids()):
        try:
            sale_task(order_changed(SHOP, json), using)
        except Unbookable:
            continue
        found.append(json)
    return found


def _seconds(texts: list[bytes], using: Settings | None) -> float:
    begun = time.perf_counter()
    for text in texts:
        fact = order_changed(SHOP, orjson.loads(text))
        if using is not None:
            sale_task(fact, using)
    return time.perf_counter() - begun
