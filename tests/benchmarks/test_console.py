"""The console's query database: how fast it is built and in how much memory, and that its answers do not grow."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.model.handlers import KINDS, SERVICE
from services.console.queries.days import read_day
from services.console.queries.order_detail import read_order
from services.console.queries.orders import OrderFilter, search_orders
from services.console.queries.today import read_today
from services.engine.state.database import Database, open_database
from tests.benchmarks.board import Board
from tests.benchmarks.figure import Figure, Times
from tests.benchmarks.processes import outcome
from tests.benchmarks.rounds import by_turns, stopwatch
from tests.benchmarks.size import sized
from tests.benchmarks.sold_orders import EVENTS_OF_AN_ORDER, USING, moment_of
from tests.support.exporting import SHOP

MANY, FEW = sized(50_000, 400), sized(2_000, 400)
ROUNDS, QUESTIONS = sized(9, 1), sized(20, 2)
PATIENCE = 1200.0
Ask = Callable[[AsyncConnection, int], Awaitable[object]]


@dataclass
class QueryDatabase:
    """A database with so many orders, and what building it took."""

    database: Database
    count: int
    built: dict[str, float]

    async def measure(self, ask: Ask, seed: int) -> float:
        """Seconds for one question, on average over several about different orders."""
        numbers = Random(seed).sample(range(1, self.count + 1), QUESTIONS)
        async with self.database.read() as connection, stopwatch() as watch:
            for number in numbers:
                assert await ask(connection, number)
        return watch.seconds / QUESTIONS


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[Path, dict[str, float]]]:
    """The built databases, by their number of orders."""
    found = {}
    for count in dict.fromkeys((MANY, FEW)):
        folder = tmp_path_factory.mktemp(f"console-{count}")
        found[count] = (folder, json.loads(outcome("console_build", str(count), str(folder), seconds=PATIENCE)))
    return found


@pytest.fixture
async def databases(
    folders: dict[int, tuple[Path, dict[str, float]]],
) -> AsyncIterator[tuple[QueryDatabase, QueryDatabase]]:
    """One with many orders, and one with few."""
    async with AsyncExitStack() as stack:
        opened = []
        for count in (MANY, FEW):
            folder, built = folders[count]
            database = await open_database(folder, SERVICE, KINDS)
            stack.push_async_callback(database.close)
            opened.append(QueryDatabase(database, count, built))
        yield opened[0], opened[1]


async def lookup(connection: AsyncConnection, number: int) -> object:
    """Everything about one order."""
    return await read_order(connection, SHOP, number)


async def listing(connection: AsyncConnection, number: int) -> object:
    """A screen of 50 orders in a state, up to some day."""
    wanted = OrderFilter(shop=SHOP, states=("in the books",), until=moment_of(number) + timedelta(days=1))
    return (await search_orders(connection, wanted)).items


async def today(connection: AsyncConnection, number: int) -> object:
    """Today, on the day of some order."""
    return await read_today(connection, moment_of(number))


async def day(connection: AsyncConnection, number: int) -> object:
    """The close of the day of some order: 200 orders."""
    at = moment_of(number)
    return (await read_day(connection, SHOP, f"{at:%Y-%m-%d}", USING.shops[SHOP], at)).entries


LIMITS: dict[str, tuple[Ask, float]] = {
    "order_lookup_ms": (lookup, 20),
    "order_list_ms": (listing, 50),
    "today_ms": (today, 100),
    "day_ms": (day, 100),
}


def _figures(name: str, times: Times, limit: float) -> list[Figure]:
    """How long an answer takes, and how many times as long as with few orders."""
    ours, floor = (min(each) * 1000 for each in (times.ours, times.floor))
    ratios = [many / few for many, few in zip(times.ours, times.floor, strict=True)]
    spread = (min(times.ours) * 1000, max(times.ours) * 1000)
    note = f"at {MANY:,} orders; {floor:.1f} ms at {FEW:,}; the goal is for ours, in ms"
    growth = Figure(f"{name}_growth", "ms", ours, floor, ours / floor, (min(ratios), max(ratios)), 1.5, "less")
    return [Figure(name, "ms", ours, limit, ours, spread, limit, "less", note), growth]


@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("name", LIMITS)
async def test_an_answer_costs_the_same_however_long_the_log_is(
    name: str, databases: tuple[QueryDatabase, QueryDatabase], board: Board
) -> None:
    many, few = databases
    ask, limit = LIMITS[name]
    times = await by_turns(
        lambda number: many.measure(ask, number), lambda number: few.measure(ask, number), ROUNDS, warm_up=2
    )
    board.show_all(_figures(name, times, limit))


@pytest.mark.timeout(PATIENCE)
async def test_the_query_database_is_built(databases: tuple[QueryDatabase, QueryDatabase], board: Board) -> None:
    """The speed has no goal here: half of the speed of decoding alone is wanted, and not reached yet."""
    built, events = databases[0].built, MANY * EVENTS_OF_AN_ORDER
    ours, floor = events / built["building"], events / built["decoding"]
    note = f"{MANY:,} orders, CPU time of all threads; ≥ 0.5 is wanted"
    speed = Figure(
        "readmodel_build", "events/s", ours, floor, ours / floor, (ours / floor, ours / floor), None, "more", note
    )
    peak = built["peak_mb"]
    memory = f"{built['started_mb']:.0f} MB before the first event; the goal is for ours, in MB"
    board.show_all([speed, Figure("readmodel_peak_mb", "MB", peak, 250, peak, (peak, peak), 250, "less", memory)])
