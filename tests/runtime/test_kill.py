"""A service that is killed again and again in the midst of its work: every fact takes effect, and only once."""

from __future__ import annotations

import asyncio
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from tests.kafka.topics import AVAILABILITY, Topics, eventually
from tests.outbox.shelf import envelope, stock
from tests.runtime.shelf_stub import ShelfStub, serving

ROOT = Path(__file__).resolve().parents[2]
FACTS, KILLS = 300, 4
SESSION = 10.0
"""Seconds of a member's session: a heir that had to wait for its end would need more."""


@asynccontextmanager
async def process(topics: Topics, folder: Path, url: str) -> AsyncIterator[Process]:
    """The toy service in a process of its own, killed without a word at the end of the context."""
    kafka = topics.settings
    line = ["-m", "tests.runtime.toy", kafka.bootstrap_servers, kafka.topic_prefix, str(folder), url]
    child = await asyncio.create_subprocess_exec(sys.executable, *line, cwd=ROOT, stdout=PIPE)
    try:
        yield child
    finally:
        child.kill()
        await child.wait()


async def caught_up(child: Process) -> float:
    """How many seconds the service took to catch up, as it tells itself."""
    assert child.stdout is not None
    async with asyncio.timeout(40):
        return float(await child.stdout.readline())


async def put(stub: ShelfStub, count: int) -> None:
    """Wait until so many things were put on the shelf."""

    async def there() -> bool:
        return len(stub.put) >= count

    await eventually(there, f"{count} effects, there are {len(stub.put)}")


async def recorded(topics: Topics, count: int) -> dict[str, str]:
    """Wait until so many events were recorded; gives the key of each event id (an event may stand there twice)."""
    told: dict[str, str] = {}

    async def there() -> bool:
        told.update({each.id: each.data.key for each in await topics.events(AVAILABILITY)})
        return len(told) >= count

    await eventually(there, f"{count} recorded events")
    return told


@pytest.mark.long
@pytest.mark.kafka
async def test_every_fact_takes_effect_once_through_four_kills_and_the_loss_of_the_database(
    topics: Topics, tmp_path: Path
) -> None:
    rng = Random(20260302)
    stub, waits, wave = ShelfStub(rng), [], FACTS // (KILLS + 1)
    async with serving(stub) as url:
        for kill in range(KILLS):
            await topics.send(*[envelope(stock(f"i{n}")) for n in range(kill * wave, (kill + 1) * wave)])
            async with process(topics, tmp_path, url) as child:
                waits.append(await caught_up(child))
                await put(stub, kill * wave + rng.randrange(wave))
            if kill == 2:
                shutil.rmtree(tmp_path)
        await topics.send(*[envelope(stock(f"i{n}")) for n in range(KILLS * wave, FACTS)])
        async with process(topics, tmp_path, url):
            await put(stub, FACTS)
            told = await recorded(topics, FACTS)
    assert stub.put == {f"i{n}": 1 for n in range(FACTS)}
    assert sorted(told.values()) == sorted(f"main:i{n}" for n in range(FACTS))
    heirs = waits[1:3]
    assert min(heirs) < SESSION / 2, f"the same group was joined again after {heirs} s"
