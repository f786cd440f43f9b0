"""One item in a hundred has another price: the shop is asked in proportion to that, and hears of nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from contracts.model import Event
from services.catalog_importer.app import NAME, product_lane
from services.catalog_importer.handlers import handlers
from services.connectors.upstreams import open_shop
from services.engine.clock import utc_now
from services.engine.outbox.engine import Engine
from services.settings.model import Settings
from tests.benchmarks import goods
from tests.benchmarks.board import Board
from tests.benchmarks.figure import Figure
from tests.benchmarks.given import NOW, records
from tests.benchmarks.processes import child
from tests.benchmarks.relaying import Counting, relaying
from tests.benchmarks.size import sized
from tests.support.engine_bench import Clock, reading

ITEMS, CHANGED = sized(50_000, 2_000), (sized(200, 100), sized(500, 200))
GOAL = 0.06
"""Requests for each changed item: 100 of them are looked up with two requests and written with four."""


@asynccontextmanager
async def known(folder: Path, url: Awaitable[str]) -> AsyncIterator[tuple[Engine, Counting, str]]:
    """The importer, to which all items, prices and links are known, as after a restart from the topics."""
    rules, clock = goods.settings(folder), Clock(NOW)
    async with reading(NAME, handlers(rules), folder, clock) as engine:
        for start in range(0, ITEMS, 250):
            numbers = range(start, min(start + 250, ITEMS))
            await take(engine, (fact for n in numbers for fact in facts(rules, n)))
        await engine.finish_catch_up()
        rules = goods.settings(folder, await url)
        async with (
            open_shop(rules, "main", utc_now) as shop,
            relaying(engine, product_lane(rules, "main", shop, clock)) as relay,
        ):
            yield engine, relay, await url


def facts(rules: Settings, number: int) -> list[Event]:
    """All that is known of an item."""
    return [goods.item_changed(number), goods.price_changed(number), goods.linked(rules, number)]


async def take(engine: Engine, events: Iterable[Event], version: int = 1) -> None:
    """Hand events over as Kafka does."""
    await engine.take(records(events, version))


@pytest.mark.timeout(300)
async def test_the_shop_is_asked_in_proportion_to_the_change(tmp_path: Path, board: Board) -> None:
    with ExitStack() as stack:
        shop = asyncio.create_task(asyncio.to_thread(stack.enter_context, child("shop", "0", str(ITEMS))))
        async with known(tmp_path, shop) as (engine, relay, url), httpx.AsyncClient(base_url=url) as look:
            assert await requests(look) == {}, "what is as it was left asks for nothing"
            asked, done = [], 0
            for version, count in enumerate(CHANGED, start=2):
                changed = range(version, ITEMS, ITEMS // count)
                await take(engine, (goods.price_changed(n, version) for n in changed), version)
                done += count
                await relay.done(done)
                asked.append(sum((await requests(look)).values()))
            touched = await written(look)
    assert relay.outcomes == {"Done": done}
    assert touched == done, "and nothing else was touched"
    assert asked == [GOAL * count for count in CHANGED], "in proportion to the change"
    board.show(_figure(asked[1], CHANGED[1]))


async def requests(look: httpx.AsyncClient) -> dict[str, int]:
    """The requests since the last look, by route."""
    found: dict[str, int] = (await look.get("/_sandbox/requests")).json()["counts"]
    await look.delete("/_sandbox/requests")
    return found


async def written(look: httpx.AsyncClient) -> int:
    """How many products have a price that they did not begin with."""
    products = (await look.get("/_sandbox/state")).json()["products"]
    begun = {f"SKU-{n:07}": goods.record(n)["regular_price"] for n in range(ITEMS)}
    return sum(products[sku]["regular_price"] != price for sku, price in begun.items())


def _figure(asked: int, changed: int) -> Figure:
    note = f"{changed} of {ITEMS:,} items changed, {asked} requests; the goal is for requests per changed item"
    ratio = asked / changed
    return Figure("one_percent_requests", "requests", asked, changed, ratio, (ratio, ratio), GOAL, "less", note)
