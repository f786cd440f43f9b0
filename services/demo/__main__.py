"""`python -m services.demo`: the demonstration against sandboxes and services that run already, as in compose.yaml.

settings FOLDER    write the settings and secrets with which the services shall run
plan               check the connections, and show the first import as a plan: before the services start
story              sell, refund, fail and mend; ends with the comparison of the books
sell COUNT         have the shop take so many orders more
books              wait until all is settled, and compare the books
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import httpx
import typer
from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_delay, wait_fixed

from contracts.catalog import ProductPlanned
from services.cli.registry import SERVICES
from services.cli.screen import console, errors
from services.demo import steps, storefront
from services.demo.comparison import BooksComparison, compare_books, print_comparison
from services.demo.demo_run import DemoRun, EventLog, WaitTimedOut, follow_events, print_heading
from services.demo.environment import ALL_DRY, ALL_LIVE, SandboxEnvironment, SystemAddresses, attach_environment
from services.demo.scenario import run_live as sell_all
from services.demo.service_runner import ContainerServices, run_services
from services.demo.steps import unused_orders
from services.engine.telemetry import logs

# The parts of the demonstration that are played against what runs already. Each tells whether it went well.

PATIENCE = 180.0
STATE = Path("/var/lib/davtari")
"""Where each container has its volume."""


@dataclass(frozen=True, slots=True)
class DemoAddresses:
    """The addresses of the systems, and the pattern of the services' telemetry."""

    at: SystemAddresses
    telemetry: str


async def write_settings(where: DemoAddresses, folder: Path) -> bool:
    """Write the settings and secrets, everything live. Those of another world have state of their own.

    The folder is chosen first, and empty: where the sandboxes never answer, the services must not start with the
    settings of a real company instead.
    """
    _link(folder.parent / "chosen", Path(folder.name))
    shutil.rmtree(folder, ignore_errors=True)
    async with attach_environment(folder, where.at) as world:
        settings = world.settle(ALL_LIVE, **storefront.storefront_settings())
        _link(folder / "state", STATE / world.prefix.rstrip("."))
    console.print(f"{world.settings_file} written; the topics' prefix is {settings.kafka.topic_prefix}")
    return True


def _link(link: Path, target: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target)


async def show_plan(where: DemoAddresses) -> bool:
    """The two chapters before anything is live, told with services of this process that only look."""
    async with _world(where.at) as world:
        dry = world.settle(ALL_DRY, **storefront.storefront_settings())
        async with follow_events(dry.kafka) as ledger, run_services(("balance-feed", "catalog-importer")) as services:
            if (await world.storefront())["orders"]:
                return True
            async with print_heading("Connections: davtari check"):
                await steps.check_connections(dry)
            async with print_heading("The first import is a plan"):
                stage = DemoRun(world, ledger, services, dry)
                await steps.plan_import(stage, dry)
                await storefront.approve_plan(stage, dry)
    return True


async def run_remaining(where: DemoAddresses) -> bool:
    """Everything after the plan. Where things were sold before, the story has been told: then only its end."""
    async with _stage(where) as stage:
        if (await stage.world.storefront())["orders"]:
            return _print_verdict(await _wait_for_match(stage))
        await steps.wait_for_plan(stage)
        return _print_verdict(await sell_all(stage, _actions(stage.ledger)), table=False)


async def sell_more(where: DemoAddresses, count: int) -> bool:
    """Have the shop take so many recorded orders that it does not have yet."""
    async with _world(where.at) as world:
        there = {order["id"] for order in (await world.storefront())["orders"]}
        placed = [order_id for order_id in unused_orders() if order_id not in there][:count]
        for order_id in placed:
            (await world.shop.post("/_sandbox/orders", json={"recorded": order_id})).raise_for_status()
    console.print(f"{len(placed)} orders placed")
    return len(placed) == count


async def compare_until_equal(where: DemoAddresses) -> bool:
    """Wait until the books match, and say how they stand."""
    async with _stage(where) as stage:
        return _print_verdict(await _wait_for_match(stage))


async def _wait_for_match(stage: DemoRun) -> BooksComparison:
    trying = AsyncRetrying(
        wait=wait_fixed(0.5), stop=stop_after_delay(PATIENCE), retry=retry_if_result(lambda found: not found.matches)
    )
    try:
        return await trying(compare_books, stage)
    except RetryError:
        return await compare_books(stage)


def _print_verdict(closing: BooksComparison, *, table: bool = True) -> bool:
    if table:
        print_comparison(closing)
    console.print(f"[bold]{closing.verdict}[/]", soft_wrap=True)
    return closing.matches


def _actions(ledger: EventLog) -> steps.Actions:
    """What the plan was: the first that was said of each item."""
    first: dict[str, str] = {}
    for envelope in ledger.story:
        if isinstance(envelope.data, ProductPlanned):
            first.setdefault(envelope.data.key, envelope.data.action)
    return Counter(first.values())


@asynccontextmanager
async def _world(at: SystemAddresses) -> AsyncIterator[SandboxEnvironment]:
    with TemporaryDirectory(prefix="davtari-demo-") as folder:
        async with attach_environment(Path(folder), at) as world:
            yield world


@asynccontextmanager
async def _stage(where: DemoAddresses) -> AsyncIterator[DemoRun]:
    async with _world(where.at) as world, httpx.AsyncClient() as client:
        live = world.settle(ALL_LIVE, **storefront.storefront_settings())
        async with follow_events(live.kafka) as ledger:
            services = ContainerServices(where.telemetry, SERVICES, client)
            await services.start(live)
            yield DemoRun(world, ledger, services, live)


cli = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)


def at(name: str) -> Any:
    """An option that comes from the environment, mostly."""
    return typer.Option(envvar=f"DAVTARI_DEMO_{name}")


@cli.callback()
def main(
    context: typer.Context,
    shop: Annotated[str, at("SHOP")] = "https://sandbox-shop:8443",
    shop_ca: Annotated[Path, at("SHOP_CA")] = Path("/sandbox/shop-ca.pem"),
    balance: Annotated[str, at("BALANCE")] = "http://sandbox-balance:8081",
    kafka: Annotated[str, at("KAFKA")] = "kafka:9092",
    receiver: Annotated[str, at("RECEIVER")] = "http://store-feed:8480",
    telemetry: Annotated[str, at("TELEMETRY")] = "http://{service}:9464",
) -> None:
    """Where everything is."""
    logs.configure("CRITICAL", as_json=False)
    context.obj = DemoAddresses(SystemAddresses(shop, shop_ca, balance, kafka, receiver), telemetry)


@cli.command()
def settings(context: typer.Context, folder: Path) -> None:
    """Write the settings and secrets with which the services shall run."""
    _play(write_settings(context.obj, folder))


@cli.command()
def plan(context: typer.Context) -> None:
    """Check the connections and show the first import as a plan."""
    _play(show_plan(context.obj))


@cli.command()
def story(context: typer.Context) -> None:
    """Play the story; where it was played before, compare the books only."""
    _play(run_remaining(context.obj))


@cli.command()
def sell(context: typer.Context, count: int) -> None:
    """Have the shop take further orders."""
    _play(sell_more(context.obj, count))


@cli.command()
def books(context: typer.Context) -> None:
    """Wait until all is settled, and compare the books."""
    _play(compare_until_equal(context.obj))


def _play(part: Coroutine[Any, Any, bool]) -> None:
    try:
        well = asyncio.run(part)
    except WaitTimedOut as error:
        errors.print(f"[red]{error}[/]")
        well = False
    raise typer.Exit(0 if well else 1)


if __name__ == "__main__":
    console.soft_wrap = True
    cli()
