"""`davtari demo`: the whole product on the terminal, against sandboxes, on Kafka, in under a minute."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from uuid import uuid4

import typer

from services.cli.command import NO_ANSWER, command
from services.cli.screen import console, errors
from services.demo import accountant, steps, storefront
from services.demo.comparison import BooksComparison, compare_books, print_comparison, save_comparison
from services.demo.demo_run import DemoRun, WaitTimedOut, follow_events, print_heading
from services.demo.environment import ALL_DRY, ALL_LIVE, start_environment
from services.demo.kafka import Broker, BrokerError, open_broker
from services.demo.service_runner import run_services
from services.demo.steps import OrderSelection, select_orders
from services.engine.kafka.topics import create_topics

BUILD = Path("build")


async def run_demo(*, keep: bool = False) -> int:
    """Tell the story; 0 if the books match, 1 otherwise. Leaves `build/demo.json`."""
    console.print("[bold]Davtari[/] joins Balance and WooCommerce. A broker, two sandboxes, seven services; live:\n")
    try:
        with TemporaryDirectory(prefix="davtari-demo-") as folder:
            async with open_broker(data=Path(folder) / "kafka") as kafka:
                return await _run_on(Path(folder), kafka, keep=keep)
    except (WaitTimedOut, BrokerError) as error:
        errors.print(f"[red]{error}[/]")
        return 1


async def _run_on(folder: Path, kafka: Broker, *, keep: bool) -> int:
    began = time.monotonic()
    console.print(f"Kafka: {kafka.description}\n")
    async with start_environment(folder, kafka.bootstrap_servers, f"demo-{uuid4().hex[:6]}.") as made:
        dry, live = (
            made.settle(ALL_DRY, **storefront.storefront_settings()),
            made.settle(ALL_LIVE, **storefront.storefront_settings()),
        )
        await create_topics(live.kafka)
        async with follow_events(live.kafka) as ledger, run_services() as services:
            stage = DemoRun(made, ledger, services, live)
            async with print_heading("Connections: davtari check"):
                await steps.check_connections(dry)
            async with print_heading("The first import is a plan"):
                actions = await steps.plan_import(stage, dry)
                await storefront.approve_plan(stage, dry)
            closing = await run_live(stage, actions)
            green = await _account(stage)
            save_comparison(closing, kafka.description, time.monotonic() - began, BUILD)
            console.print(f"[bold]{closing.verdict}[/]", soft_wrap=True)
            if keep:
                console.print(f"settings: {made.settings_file} · Ctrl-C ends it")
                await asyncio.Event().wait()
    return 0 if closing.matches and green else 1


async def _account(stage: DemoRun) -> bool:
    """A careful accountant's part of the story; whether every day is green in the end."""
    careful = stage.world.settle(ALL_LIVE, **(storefront.storefront_settings() | accountant.accountant_settings()))
    async with print_heading("The accountant's gate: a new shape of document, and a correction"):
        await accountant.run_approvals(stage, careful)
    async with print_heading("The close of a day, as the accountant sees it: davtari day-close"):
        return await accountant.print_day_closes(stage)


async def run_live(stage: DemoRun, actions: steps.Actions) -> BooksComparison:
    """The story from the first live flow to the end of the day."""
    await _show_the_shop(stage, actions)
    await _trade(stage, select_orders())
    async with print_heading("The end of the day"):
        await stage.rests()
        closing = await compare_books(stage)
        print_comparison(closing)
    return closing


async def _show_the_shop(stage: DemoRun, actions: steps.Actions) -> None:
    async with print_heading("Applied: the flows go live"):
        await steps.apply_plan(stage, actions)
        await steps.publish_stock(stage)
    async with print_heading("Why this figure? A kit, and a product that a second place sells too"):
        await storefront.explain_figures(stage)
    async with print_heading("A price that a person has set stays"):
        await storefront.keep_manual_price(stage)
    async with print_heading("Prices mistyped in Balance: held until a person has looked"):
        await storefront.hold_mistyped_prices(stage)


async def _trade(stage: DemoRun, chosen: OrderSelection) -> None:
    async with print_heading(f"{len(chosen.orders)} orders, and an outage in the middle"):
        await steps.sell_orders(stage, chosen)
    async with print_heading(f"{len(chosen.refunds)} refunds"):
        await steps.issue_refunds(stage, chosen)
    async with print_heading("An order that Balance refuses"):
        await steps.resolve_dead_letter(stage, chosen)
    async with print_heading("One order, whole: its answer was lost on the way, and it was written once"):
        await steps.print_one_order(stage, chosen)


# `davtari demo`.

Keep = Annotated[bool, typer.Option(help="Leave everything running until Ctrl-C.")]


@command
async def demo_command(
    keep: Keep = False,
) -> int:
    """Run the whole product against sandboxes of Balance and WooCommerce, and tell what happens."""
    try:
        return await run_demo(keep=keep)
    except BrokerError as error:
        errors.print(f"[red]{error}[/]")
        return NO_ANSWER
