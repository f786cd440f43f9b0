"""`davtari demo`: the scripted scenario, with all services in this process, against sandboxes and a real Kafka."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from uuid import uuid4

import typer

from services.cli.command import NO_ANSWER, command
from services.cli.rights.rules import all_rules
from services.cli.rights.users import ADMINISTRATOR, create_users
from services.cli.screen import compose, console, print_failure, styled
from services.demo import accountant, browser, steps, storefront
from services.demo.comparison import BooksComparison, compare_books, print_comparison, save_comparison
from services.demo.demo_run import DemoRun, WaitTimedOut, follow_events, print_heading
from services.demo.environment import ALL_DRY, ALL_LIVE, start_environment
from services.demo.kafka import Broker, BrokerError, open_broker
from services.demo.service_runner import run_services
from services.demo.steps import OrderSelection, select_orders
from services.engine.kafka.authorization import add_rules
from services.engine.kafka.topics import create_topics
from services.settings.kafka import KafkaSettings

BUILD = Path("build")


async def run_demo(*, stay: bool = False) -> int:
    """Run the scenario and write `build/demo.json`. Returns 0 if the books match, 1 otherwise."""
    console.print(compose(styled("Davtari", "bold"), " connects Balance and WooCommerce."))
    console.print_lines("Starting a Kafka broker, two sandboxes and seven services.\n")
    try:
        with TemporaryDirectory(prefix="davtari-demo-") as folder:
            users = Path(folder) / "users"
            create_users(users)
            async with open_broker(data=Path(folder) / "kafka", users=users) as kafka:
                return await _run_on(Path(folder), kafka, stay=stay)
    except (WaitTimedOut, BrokerError) as error:
        print_failure(str(error))
        return 1


async def _run_on(folder: Path, kafka: Broker, *, stay: bool) -> int:
    began = time.monotonic()
    console.print_lines(f"Kafka: {kafka.description}\n")
    prefix = f"demo-{uuid4().hex[:6]}."
    async with start_environment(folder, kafka.bootstrap_servers, prefix, users=kafka.users) as made:
        dry, live = (
            made.write_settings(ALL_DRY, **storefront.storefront_settings()),
            made.write_settings(ALL_LIVE, **storefront.storefront_settings()),
        )
        await give_rights(live.kafka)
        await create_topics(live.kafka)
        async with follow_events(live.kafka) as ledger, run_services() as services:
            stage = DemoRun(made, ledger, services, live)
            async with print_heading("Connections: davtari check"):
                await steps.check_connections(dry)
            async with print_heading("Plan the first import"):
                actions = await steps.plan_import(stage, dry)
                await storefront.approve_plan(stage, dry)
            closing = await run_live(stage, actions)
            green = await _run_accounting(stage)
            save_comparison(closing, kafka.description, time.monotonic() - began, BUILD)
            console.print(styled(closing.verdict, "bold"), soft_wrap=True)
            if stay:
                await browser.stay(made)
            console.print_lines("The same story in the browser: davtari demo --stay")
    return 0 if closing.matches and green else 1


async def give_rights(kafka: KafkaSettings) -> None:
    """Give every role its rights, as the administrator; without users, Kafka checks none."""
    if kafka.password_file is not None:
        password = kafka.password_file.with_name(ADMINISTRATOR)
        administrator = kafka.model_copy(update={"user_name": ADMINISTRATOR, "password_file": password})
        await add_rules(administrator, all_rules(kafka.topic_prefix))
        console.print_lines("Each service has a user of its own, with the rights it needs.\n")


async def _run_accounting(stage: DemoRun) -> bool:
    """The accountant's steps. Returns whether every day close is green."""
    careful = stage.world.write_settings(
        ALL_LIVE, **(storefront.storefront_settings() | accountant.accountant_settings())
    )
    async with print_heading("Approvals: a new kind of document, and a correction"):
        await accountant.run_approvals(stage, careful)
    async with print_heading("Close the day: davtari day-close"):
        return await accountant.print_day_closes(stage)


async def run_live(stage: DemoRun, actions: steps.Actions) -> BooksComparison:
    """Run everything from the first live flow to the comparison of the books."""
    await _run_storefront(stage, actions)
    await _run_orders(stage, select_orders())
    async with print_heading("Compare the shop with Balance"):
        await stage.wait_until_idle()
        closing = await compare_books(stage)
        print_comparison(closing)
    return closing


async def _run_storefront(stage: DemoRun, actions: steps.Actions) -> None:
    async with print_heading("Go live"):
        await steps.apply_plan(stage, actions)
        await steps.publish_stock(stage)
    async with print_heading("Explain a stock figure: a kit, and a product with a second location"):
        await storefront.explain_figures(stage)
    async with print_heading("Keep a price that was edited in the shop"):
        await storefront.keep_manual_price(stage)
    async with print_heading("Hold a snapshot with mistyped prices"):
        await storefront.hold_mistyped_prices(stage)


async def _run_orders(stage: DemoRun, chosen: OrderSelection) -> None:
    async with print_heading(f"{len(chosen.orders)} orders, with an outage of Balance in between"):
        await steps.sell_orders(stage, chosen)
    async with print_heading(f"{len(chosen.refunds)} refunds"):
        await steps.issue_refunds(stage, chosen)
    async with print_heading("An order that Balance rejects"):
        await steps.resolve_dead_letter(stage, chosen)
    async with print_heading("One order in detail: its response was lost, its Sale written once"):
        await steps.print_one_order(stage, chosen)


Stay = Annotated[bool, typer.Option("--stay", help="Show the story in the browser until Ctrl-C.")]


@command
async def demo_command(
    stay: Stay = False,
) -> int:
    """Run all services against sandboxes of Balance and WooCommerce and show each step."""
    try:
        return await run_demo(stay=stay)
    except BrokerError as error:
        print_failure(str(error))
        return NO_ANSWER
