"""`davtari demo`: the whole product on the terminal, against sandboxes, on Kafka, in under a minute."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from services.cli.screen import console, errors
from services.demo import accountant, chapters, days, storefront
from services.demo.choose import Chosen, choose
from services.demo.closing import Closing, close, save, show_closing
from services.demo.crew import crew
from services.demo.kafka import Broker, BrokerError, broker
from services.demo.ledger import NeverHappened, following
from services.demo.stage import Stage, chapter
from services.demo.world import ALL_DRY, ALL_LIVE, world
from services.engine.kafka.topics import create_topics

BUILD = Path("build")


async def demo(*, keep: bool = False) -> int:
    """Tell the story; 0 if the books match, 1 otherwise. Leaves `build/demo.json`."""
    console.print("[bold]Davtari[/] joins Balance and WooCommerce. A broker, two sandboxes, seven services; live:\n")
    try:
        with TemporaryDirectory(prefix="davtari-demo-") as folder:
            async with broker(data=Path(folder) / "kafka") as kafka:
                return await _run(Path(folder), kafka, keep=keep)
    except (NeverHappened, BrokerError) as error:
        errors.print(f"[red]{error}[/]")
        return 1


async def _run(folder: Path, kafka: Broker, *, keep: bool) -> int:
    began = time.monotonic()
    console.print(f"Kafka: {kafka.description}\n")
    async with world(folder, kafka.bootstrap_servers, f"demo-{uuid4().hex[:6]}.") as made:
        dry, live = made.settle(ALL_DRY, **storefront.rules()), made.settle(ALL_LIVE, **storefront.rules())
        await create_topics(live.kafka)
        async with following(live.kafka) as ledger, crew() as services:
            stage = Stage(made, ledger, services, live)
            async with chapter("Connections: davtari check"):
                await chapters.connections(dry)
            async with chapter("The first import is a plan"):
                actions = await chapters.plan(stage, dry)
                await storefront.approve(stage, dry)
            closing = await sell(stage, actions)
            green = await _account(stage)
            save(closing, kafka.description, time.monotonic() - began, BUILD)
            console.print(f"[bold]{closing.verdict}[/]", soft_wrap=True)
            if keep:
                console.print(f"settings: {made.settings_file} · Ctrl-C ends it")
                await asyncio.Event().wait()
    return 0 if closing.matches and green else 1


async def _account(stage: Stage) -> bool:
    """A careful accountant's part of the story; whether every day is green in the end."""
    careful = stage.world.settle(ALL_LIVE, **(storefront.rules() | accountant.rules()))
    async with chapter("The accountant's gate: a new shape of document, and a correction"):
        await accountant.gate(stage, careful)
    async with chapter("The close of a day, as the accountant sees it: davtari day-close"):
        return await days.tell(stage)


async def sell(stage: Stage, actions: chapters.Actions) -> Closing:
    """The story from the first live flow to the end of the day."""
    await _show_the_shop(stage, actions)
    await _trade(stage, choose())
    async with chapter("The end of the day"):
        await stage.rests()
        closing = await close(stage)
        show_closing(closing)
    return closing


async def _show_the_shop(stage: Stage, actions: chapters.Actions) -> None:
    async with chapter("Applied: the flows go live"):
        await chapters.apply(stage, actions)
        await chapters.stock(stage)
    async with chapter("Why this figure? A kit, and a product that a second place sells too"):
        await storefront.figures_explained(stage)
    async with chapter("A price that a person has set stays"):
        await storefront.price_by_hand(stage)
    async with chapter("Prices mistyped in Balance: held until a person has looked"):
        await storefront.mistake_held(stage)


async def _trade(stage: Stage, chosen: Chosen) -> None:
    async with chapter(f"{len(chosen.orders)} orders, and an outage in the middle"):
        await chapters.orders(stage, chosen)
    async with chapter(f"{len(chosen.refunds)} refunds"):
        await chapters.refunds(stage, chosen)
    async with chapter("An order that Balance refuses"):
        await chapters.dead_letter(stage, chosen)
    async with chapter("One order, whole: its answer was lost on the way, and it was written once"):
        await chapters.one_order(stage, chosen)
