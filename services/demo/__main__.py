"""`python -m services.demo`: the demonstration against running sandboxes and services, as in compose.yaml.

settings VOLUMES   write the settings and secrets for the services, each in its volume
plan               check the connections and plan the first import, before the services start
story              run the scenario: orders, an outage, refunds, a dead letter; compares the books at the end
sell COUNT         place further recorded orders in the shop
books              wait until everything is delivered and compare the books
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
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
from services.cli.rights.volumes import TOKEN, choose, lay_out_settings
from services.cli.screen import console, print_failure, styled
from services.demo import steps, storefront
from services.demo.comparison import BooksComparison, compare_books, print_comparison
from services.demo.demo_run import DemoRun, EventLog, WaitTimedOut, follow_events, print_heading
from services.demo.environment import ALL_DRY, ALL_LIVE, SandboxEnvironment, SystemAddresses, attach_environment
from services.demo.scenario import run_live as sell_all
from services.demo.service_runner import ContainerServices, run_services
from services.demo.steps import unused_orders
from services.engine.telemetry import logs

PATIENCE = 180.0
SANDBOX = "sandbox"
"""The name of these settings in each volume."""


@dataclass(frozen=True, slots=True)
class DemoAddresses:
    """The addresses of the systems, and the URL pattern of the services' telemetry with the token to read it."""

    at: SystemAddresses
    telemetry: str
    token: str = ""


async def write_settings(where: DemoAddresses, parts: Sequence[Path]) -> bool:
    """Write the settings with every flow live, and the secrets that each part needs, into the parts' volumes.

    The link `chosen` is set to the empty folder first: if the sandboxes never answer, the services must not start
    with the settings of a real company. Each new sandbox gets its own state folder.
    """
    for part in parts:
        choose(part, SANDBOX)
    async with _world(where.at) as world:
        settings = world.write_settings(ALL_LIVE, **storefront.storefront_settings())
        for part in parts:
            lay_out_settings(part, SANDBOX, world.settings_file, settings, world.prefix.rstrip("."))
    console.print(f"Wrote the settings of {len(parts)} parts; topic prefix: {settings.kafka.topic_prefix}")
    return True


async def show_plan(where: DemoAddresses) -> bool:
    """Run the steps before any flow is live, with the feeds and the importer in this process."""
    async with _world(where.at) as world:
        dry = world.write_settings(ALL_DRY, **storefront.storefront_settings())
        async with follow_events(dry.kafka) as ledger, run_services(("balance-feed", "catalog-importer")) as services:
            if (await world.storefront())["orders"]:
                return True
            async with print_heading("Connections: davtari check"):
                await steps.check_connections(dry)
            async with print_heading("Plan the first import"):
                stage = DemoRun(world, ledger, services, dry)
                await steps.plan_import(stage, dry)
                await storefront.approve_plan(stage, dry)
    return True


async def run_remaining(where: DemoAddresses) -> bool:
    """Run everything after the plan. If the shop has orders, the scenario has already run: only compare the books."""
    async with _stage(where) as stage:
        if (await stage.world.storefront())["orders"]:
            return _print_verdict(await _wait_for_match(stage))
        await steps.wait_for_plan(stage)
        return _print_verdict(await sell_all(stage, _actions(stage.ledger)), table=False)


async def sell_more(where: DemoAddresses, count: int) -> bool:
    """Place `count` recorded orders that the shop does not have yet."""
    async with _world(where.at) as world:
        existing = {order["id"] for order in (await world.storefront())["orders"]}
        placed = [order_id for order_id in unused_orders() if order_id not in existing][:count]
        for order_id in placed:
            (await world.shop.post("/_sandbox/orders", json={"recorded": order_id})).raise_for_status()
    console.print(f"{len(placed)} orders placed")
    return len(placed) == count


async def compare_until_equal(where: DemoAddresses) -> bool:
    """Wait until the books match and print the comparison."""
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
    console.print(styled(closing.verdict, "bold"), soft_wrap=True)
    return closing.matches


def _actions(ledger: EventLog) -> steps.Actions:
    """Count the actions of the plan: the first one of each item."""
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
    headers = {"Authorization": f"Bearer {where.token}"}
    async with _world(where.at) as world, httpx.AsyncClient(headers=headers) as client:
        live = world.write_settings(ALL_LIVE, **storefront.storefront_settings())
        async with follow_events(live.kafka) as ledger:
            services = ContainerServices(where.telemetry, SERVICES, client)
            await services.start(live)
            yield DemoRun(world, ledger, services, live)


cli = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)


def at(name: str) -> Any:
    """An option that can be set by an environment variable."""
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
    users: Annotated[Path | None, at("USERS")] = None,
) -> None:
    """Addresses of the systems."""
    logs.configure("CRITICAL", as_json=False)
    token = (users / TOKEN).read_text(encoding="utf-8").strip() if users else ""
    context.obj = DemoAddresses(SystemAddresses(shop, shop_ca, balance, kafka, receiver, users), telemetry, token)


@cli.command()
def settings(context: typer.Context, volumes: Path) -> None:
    """Write the settings and secrets for the services, each in its volume."""
    _run_part(write_settings(context.obj, sorted(volumes.iterdir())))


@cli.command()
def plan(context: typer.Context) -> None:
    """Check the connections and plan the first import."""
    _run_part(show_plan(context.obj))


@cli.command()
def story(context: typer.Context) -> None:
    """Run the scenario, or only compare the books if it has already run."""
    _run_part(run_remaining(context.obj))


@cli.command()
def sell(context: typer.Context, count: int) -> None:
    """Place further orders in the shop."""
    _run_part(sell_more(context.obj, count))


@cli.command()
def books(context: typer.Context) -> None:
    """Wait until everything is delivered and compare the books."""
    _run_part(compare_until_equal(context.obj))


def _run_part(part: Coroutine[Any, Any, bool]) -> None:
    try:
        succeeded = asyncio.run(part)
    except WaitTimedOut as error:
        print_failure(str(error))
        succeeded = False
    raise typer.Exit(0 if succeeded else 1)


if __name__ == "__main__":
    console.soft_wrap = True
    cli()
