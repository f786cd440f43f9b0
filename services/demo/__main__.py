"""`python -m services.demo`: the demonstration against sandboxes and services that run already, as in compose.yaml.

settings FOLDER    write the settings and secrets with which the services shall run
plan               check the connections, and show the first import as a plan: before the services start
story              sell, refund, fail and mend; ends with the comparison of the books
sell COUNT         have the shop take so many orders more
books              wait until all is settled, and compare the books
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.screen import console, errors
from services.demo import played
from services.demo.joined import Addresses
from services.demo.ledger import NeverHappened
from services.engine.telemetry import logs

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
    context.obj = played.Where(Addresses(shop, shop_ca, balance, kafka, receiver), telemetry)


@cli.command()
def settings(context: typer.Context, folder: Path) -> None:
    """Write the settings and secrets with which the services shall run."""
    _play(played.settle(context.obj, folder))


@cli.command()
def plan(context: typer.Context) -> None:
    """Check the connections and show the first import as a plan."""
    _play(played.plan(context.obj))


@cli.command()
def story(context: typer.Context) -> None:
    """Play the story; where it was played before, compare the books only."""
    _play(played.story(context.obj))


@cli.command()
def sell(context: typer.Context, count: int) -> None:
    """Have the shop take further orders."""
    _play(played.sell(context.obj, count))


@cli.command()
def books(context: typer.Context) -> None:
    """Wait until all is settled, and compare the books."""
    _play(played.books(context.obj))


def _play(part: Coroutine[Any, Any, bool]) -> None:
    try:
        well = asyncio.run(part)
    except NeverHappened as error:
        errors.print(f"[red]{error}[/]")
        well = False
    raise typer.Exit(0 if well else 1)


if __name__ == "__main__":
    console.soft_wrap = True
    cli()
