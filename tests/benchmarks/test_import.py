"""The first import into a shop as slow as the recorded one, against a bare loop that sends the same batches.

20,000 items of 50 ms each take two workers nine minutes. What is measured is the first 1,200 of them, at the shop's
true pace: to make the shop faster instead would be to make ours look slower than it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from services.catalog_importer.app import NAME, product_lane
from services.catalog_importer.handlers import handlers
from services.connectors.upstreams import open_shop
from services.connectors.woocommerce.access import build_auth
from services.engine.clock import utc_now
from services.engine.outbox.engine import Engine
from services.settings.model import Settings
from tests.benchmarks import goods
from tests.benchmarks.board import Board
from tests.benchmarks.figure import Times, duration
from tests.benchmarks.given import NOW, records
from tests.benchmarks.processes import child
from tests.benchmarks.relaying import Counting, relaying
from tests.benchmarks.rounds import stopwatch
from tests.benchmarks.size import sized
from tests.support.engine_bench import RunningClock, opened

ITEMS, WORKERS, GOAL = sized(1200, 100), 2, 1.1
BATCH = "/wp-json/wc/v3/products/batch"


@asynccontextmanager
async def importing(rules: Settings, folder: Path) -> AsyncIterator[tuple[Engine, Counting]]:
    """The importer over an empty database. Its clock must run: some deliveries become due only after a pause."""
    clock = RunningClock(NOW)
    async with (
        opened(NAME, handlers(rules), folder, clock) as engine,
        open_shop(rules, "main", utc_now) as shop,
        relaying(engine, product_lane(rules, "main", shop, clock)) as relay,
    ):
        yield engine, relay


async def ours(url: str, folder: Path) -> float:
    """Everything from the facts to the links, durable."""
    rules = goods.settings(folder, url, concurrency=WORKERS)
    facts = records(fact for n in range(ITEMS) for fact in (goods.item_changed(n), goods.price_changed(n)))
    async with importing(rules, folder) as (engine, relay), stopwatch() as watch:
        for start in range(0, len(facts), 500):
            await engine.take(facts[start : start + 500])
        await relay.done(ITEMS)
    assert relay.outcomes == {"Done": ITEMS}
    return watch.seconds


async def floor(url: str, size: int) -> float:
    """The same batches, ready-made, by as many workers."""
    bodies = [{"create": [goods.record(n) for n in range(at, at + size)]} for at in range(0, ITEMS, size)]
    auth = build_auth(url, SecretStr("ck_sandbox"), SecretStr("cs_sandbox"), utc_now)
    async with httpx.AsyncClient(base_url=url, auth=auth, timeout=60) as client, stopwatch() as watch:
        await asyncio.gather(*[_send_all(client, bodies) for _ in range(WORKERS)])
    return watch.seconds


async def _send_all(client: httpx.AsyncClient, left: list[dict[str, object]]) -> None:
    while left:
        answer = await client.post(BATCH, json=left.pop(0))
        made = answer.raise_for_status().json()["create"]
        assert all(one["id"] for one in made), made


@pytest.mark.timeout(300)
async def test_the_first_import(tmp_path: Path, board: Board) -> None:
    size = goods.settings(tmp_path).shops["main"].batch_size
    with child("shop", str(WORKERS), "0") as first, child("shop", str(WORKERS), "0") as second:
        times = Times([await ours(first, tmp_path)], [await floor(second, size)])
    note = f"{ITEMS:,} of 20,000 items at the recorded pace: 90 ms a request, 50 ms a product, {WORKERS} workers"
    board.show(duration("import_vs_loop", "s", times, GOAL, note))
