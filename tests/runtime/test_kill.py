"""A service that is killed repeatedly at work delivers every fact exactly once."""

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
from tests.outbox.sample_service import envelope, stock
from tests.runtime.fake_shop import FakeShop, serve_shop

ROOT = Path(__file__).resolve().parents[2]
FACTS, KILLS = 300, 4
SESSION = 10.0
"""Seconds of a group session: a successor that waited for its end would need longer."""


@asynccontextmanager
async def process(topics: Topics, folder: Path, url: str) -> AsyncIterator[Process]:
    """The sample service in its own process, which is killed at the end of the context."""
    kafka = topics.settings
    line = ["-m", "tests.runtime.sample_process", kafka.bootstrap_servers, kafka.topic_prefix, str(folder), url]
    child = await asyncio.create_subprocess_exec(sys.executable, *line, cwd=ROOT, stdout=PIPE)
    try:
        yield child
    finally:
        child.kill()
        await child.wait()


async def wait_until_caught_up(child: Process) -> float:
    """How many seconds the service took to catch up, as it prints."""
    assert child.stdout is not None
    async with asyncio.timeout(40):
        return float(await child.stdout.readline())


async def wait_for_writes(shop: FakeShop, count: int) -> None:
    """Wait until so many items were written to the shop."""

    async def are_written() -> bool:
        return len(shop.writes) >= count

    await eventually(are_written, f"{count} written items; {len(shop.writes)} so far")


async def wait_for_recorded(topics: Topics, count: int) -> dict[str, str]:
    """Wait for so many recorded events; returns the key of each event id (an event may be in the topic twice)."""
    keys: dict[str, str] = {}

    async def are_recorded() -> bool:
        keys.update({each.id: each.data.key for each in await topics.events(AVAILABILITY)})
        return len(keys) >= count

    await eventually(are_recorded, f"{count} recorded events")
    return keys


@pytest.mark.long
@pytest.mark.kafka
async def test_every_fact_is_delivered_once_despite_four_kills_and_the_loss_of_the_database(
    topics: Topics, tmp_path: Path
) -> None:
    rng = Random(20260302)
    shop, waits, wave = FakeShop(rng), [], FACTS // (KILLS + 1)
    async with serve_shop(shop) as url:
        for kill in range(KILLS):
            await topics.send(*[envelope(stock(f"i{n}")) for n in range(kill * wave, (kill + 1) * wave)])
            async with process(topics, tmp_path, url) as child:
                waits.append(await wait_until_caught_up(child))
                await wait_for_writes(shop, kill * wave + rng.randrange(wave))
            if kill == 2:
                shutil.rmtree(tmp_path)
        await topics.send(*[envelope(stock(f"i{n}")) for n in range(KILLS * wave, FACTS)])
        async with process(topics, tmp_path, url):
            await wait_for_writes(shop, FACTS)
            keys = await wait_for_recorded(topics, FACTS)
    assert shop.writes == {f"i{n}": 1 for n in range(FACTS)}
    assert sorted(keys.values()) == sorted(f"main:i{n}" for n in range(FACTS))
    successors = waits[1:3]
    assert min(successors) < SESSION / 2, f"the successors joined the group after {successors} s"
