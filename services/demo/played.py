"""The parts of the demonstration that are played against what runs already. Each tells whether it went well."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_delay, wait_fixed

from contracts.catalog import ProductPlanned
from services.cli.registry import SERVICES
from services.cli.screen import console
from services.demo import chapters, storefront
from services.demo.choose import further
from services.demo.closing import Closing, close, show_closing
from services.demo.containers import Containers
from services.demo.crew import crew
from services.demo.joined import Addresses, joined
from services.demo.ledger import Ledger, following
from services.demo.stage import Stage, chapter
from services.demo.story import sell as sell_all
from services.demo.world import ALL_DRY, ALL_LIVE, World

PATIENCE = 180.0
STATE = Path("/var/lib/davtari")
"""Where each container has its volume."""


@dataclass(frozen=True, slots=True)
class Where:
    """The addresses of the systems, and the pattern of the services' telemetry."""

    at: Addresses
    telemetry: str


async def settle(where: Where, folder: Path) -> bool:
    """Write the settings and secrets, everything live. Those of another world have state of their own.

    The folder is chosen first, and empty: where the sandboxes never answer, the services must not start with the
    settings of a real company instead.
    """
    _link(folder.parent / "chosen", Path(folder.name))
    shutil.rmtree(folder, ignore_errors=True)
    async with joined(folder, where.at) as world:
        settings = world.settle(ALL_LIVE, **storefront.rules())
        _link(folder / "state", STATE / world.prefix.rstrip("."))
    console.print(f"{world.settings_file} written; the topics' prefix is {settings.kafka.topic_prefix}")
    return True


def _link(link: Path, target: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target)


async def plan(where: Where) -> bool:
    """The two chapters before anything is live, told with services of this process that only look."""
    async with _world(where.at) as world:
        dry = world.settle(ALL_DRY, **storefront.rules())
        async with following(dry.kafka) as ledger, crew(("balance-feed", "catalog-importer")) as services:
            if (await world.storefront())["orders"]:
                return True
            async with chapter("Connections: davtari check"):
                await chapters.connections(dry)
            async with chapter("The first import is a plan"):
                stage = Stage(world, ledger, services, dry)
                await chapters.plan(stage, dry)
                await storefront.approve(stage, dry)
    return True


async def story(where: Where) -> bool:
    """Everything after the plan. Where things were sold before, the story has been told: then only its end."""
    async with _stage(where) as stage:
        if (await stage.world.storefront())["orders"]:
            return _told(await _closing(stage))
        await chapters.planned(stage)
        return _told(await sell_all(stage, _actions(stage.ledger)), table=False)


async def sell(where: Where, count: int) -> bool:
    """Have the shop take so many recorded orders that it does not have yet."""
    async with _world(where.at) as world:
        there = {order["id"] for order in (await world.storefront())["orders"]}
        placed = [order_id for order_id in further() if order_id not in there][:count]
        for order_id in placed:
            (await world.shop.post("/_sandbox/orders", json={"recorded": order_id})).raise_for_status()
    console.print(f"{len(placed)} orders placed")
    return len(placed) == count


async def books(where: Where) -> bool:
    """Wait until the books match, and say how they stand."""
    async with _stage(where) as stage:
        return _told(await _closing(stage))


async def _closing(stage: Stage) -> Closing:
    trying = AsyncRetrying(
        wait=wait_fixed(0.5), stop=stop_after_delay(PATIENCE), retry=retry_if_result(lambda found: not found.matches)
    )
    try:
        return await trying(close, stage)
    except RetryError:
        return await close(stage)


def _told(closing: Closing, *, table: bool = True) -> bool:
    if table:
        show_closing(closing)
    console.print(f"[bold]{closing.verdict}[/]", soft_wrap=True)
    return closing.matches


def _actions(ledger: Ledger) -> chapters.Actions:
    """What the plan was: the first that was said of each item."""
    first: dict[str, str] = {}
    for envelope in ledger.story:
        if isinstance(envelope.data, ProductPlanned):
            first.setdefault(envelope.data.key, envelope.data.action)
    return Counter(first.values())


@asynccontextmanager
async def _world(at: Addresses) -> AsyncIterator[World]:
    with TemporaryDirectory(prefix="davtari-demo-") as folder:
        async with joined(Path(folder), at) as world:
            yield world


@asynccontextmanager
async def _stage(where: Where) -> AsyncIterator[Stage]:
    async with _world(where.at) as world, httpx.AsyncClient() as client:
        live = world.settle(ALL_LIVE, **storefront.rules())
        async with following(live.kafka) as ledger:
            services = Containers(where.telemetry, SERVICES, client)
            await services.start(live)
            yield Stage(world, ledger, services, live)
