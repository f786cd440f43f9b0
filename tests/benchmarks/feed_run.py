"""`python -m tests.benchmarks.feed_run URL FOLDER ROUNDS`: the feed over a catalogue that does not change.

Imports all items once, then by turns again and the floor: download and parse alone. Prints JSON: the seconds of both,
what the later imports found changed, the events in the outbox before and after them, and the peak memory.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import ijson
from pydantic import SecretStr
from sqlalchemy import func, select

from services.balance_feed.handlers import NAME, handlers
from services.balance_feed.importing import Importer
from services.connectors.balance.client import Balance
from services.engine.outbox.engine import Engine
from services.engine.runtime.garbage import tune_garbage_collector
from services.engine.state.tables import events
from services.settings.model import Settings
from tests.benchmarks.given import NOW, settings
from tests.benchmarks.rounds import by_turns, stopwatch
from tests.support.engine_bench import Clock, opened
from tests.support.secret import use_secret_of_tests


@dataclass
class Found:
    """What the program prints."""

    items: int
    ours: list[float]
    floor: list[float]
    changed: int
    events: tuple[int, int]
    peak_mb: float


class Feed:
    """Imports all items; `changed` counts what the imports after the first one found changed."""

    def __init__(self, importer: Importer) -> None:
        self._importer = importer
        self.changed = 0

    async def first(self) -> int:
        """The first import; gives the number of items."""
        return (await self._importer.run("items")).figures()["changed"]

    async def again(self, _: int) -> float:
        """A later import; gives its seconds."""
        async with stopwatch() as watch:
            report = await self._importer.run("items")
        self.changed += report.figures()["changed"]
        return watch.seconds


async def bare(url: str) -> float:
    """Download and parse alone, piece by piece."""
    parsed: list[object] = []
    parser = ijson.items_coro(_Counted(parsed), "item")
    async with stopwatch() as watch, httpx.AsyncClient() as client, client.stream("GET", f"{url}/Items") as answer:
        async for piece in answer.aiter_bytes(64 * 1024):
            parser.send(piece)
    return watch.seconds


class _Counted:
    """Takes each row and lets it go."""

    def __init__(self, parsed: list[object]) -> None:
        self._parsed = parsed

    def send(self, row: object) -> None:
        self._parsed[:] = [row]


async def written(engine: Engine) -> int:
    """The events in the outbox."""
    async with engine.database.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(events))).scalar_one())


def feeding(url: str, folder: Path) -> Settings:
    """The settings of the benchmarks with a Balance that is there."""
    found = settings(folder)
    return found.model_copy(update={"balance": found.balance.model_copy(update={"url": url})})


async def run(url: str, folder: Path, rounds: int) -> Found:
    """Import once, then by turns; the peak is that of the whole process."""
    chosen, clock = feeding(url, folder), Clock(NOW)
    async with Balance(chosen.balance, SecretStr("x")) as balance, opened(NAME, handlers(), folder, clock) as engine:
        tune_garbage_collector()
        feed = Feed(Importer(engine, balance, chosen))
        items, before = await feed.first(), await written(engine)
        times = await by_turns(feed.again, lambda _: bare(url), rounds, warm_up=0)
        after = await written(engine)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Found(items, list(times.ours), list(times.floor), feed.changed, (before, after), peak)


if __name__ == "__main__":
    use_secret_of_tests()
    print(json.dumps(asdict(asyncio.run(run(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))))
