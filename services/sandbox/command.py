"""`davtari sandbox balance|woocommerce|both`: sandboxes of the upstream systems until Ctrl-C (see README.md here)."""

from __future__ import annotations

import asyncio
import signal
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from starlette.types import ASGIApp

from services.sandbox.faults import FaultInjector
from services.sandbox.server import serve
from services.sandbox.woocommerce import app as woocommerce_app
from services.sandbox.woocommerce.control import ShopClone
from services.sandbox.woocommerce.placing import load_catalogue
from services.sandbox.woocommerce.shop import Release, SandboxPace, SandboxShopSettings

cli = typer.Typer(help="Sandboxes of the two upstream systems, with faults on demand.", no_args_is_help=True)

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")]
Tls = Annotated[bool, typer.Option(help="Speak TLS with a certificate generated at start.")]
Name = Annotated[list[str], typer.Option(help="A further host name for the certificate.")]
CaFile = Annotated[Path | None, typer.Option(help="Where to write the CA certificate to trust.")]


@cli.command()
def woocommerce(
    host: Host = "127.0.0.1",
    port: Port = 0,
    tls: Tls = False,
    name: Name = [],  # noqa: B006 (typer's way of an empty default)
    ca_file: CaFile = None,
    home_url: Annotated[str | None, typer.Option(help="The shop's home; by default that of each request.")] = None,
    stock: Annotated[
        int | None, typer.Option(help="Load the recorded catalogue with this stock of each product.")
    ] = None,
    slow: Annotated[bool, typer.Option(help="Respond as slowly as the recorded shop.")] = False,
    release: Annotated[Release, typer.Option(help="The version of WooCommerce to imitate.")] = "9.9.5",
) -> None:
    """A WooCommerce. Keys: ck_sandbox / cs_sandbox."""
    settings = SandboxShopSettings(home_url=home_url, pace=SandboxPace() if slow else None, version=release)
    app = woocommerce_app.create_shop(settings)
    if stock is not None:
        load_catalogue(app.state.shop, stock=stock)
    asyncio.run(serve_until_stopped(FaultInjector(app), host, port, tls, name, ca_file))


@cli.command()
def both(
    host: Host = "127.0.0.1",
    shop_port: Annotated[int, typer.Option(help="Port of the shop; 0 takes a free one.")] = 0,
    balance_port: Annotated[int, typer.Option(help="Port of Balance; 0 takes a free one.")] = 0,
    clone_port: Annotated[
        int, typer.Option(help="Port of a copy of the shop, made on demand; 0 takes a free one.")
    ] = 0,
    ca_file: CaFile = None,
    stock: Annotated[int, typer.Option(help="Pieces of each product of the recorded catalogue.")] = 50,
) -> None:
    """A shop (over TLS) and a Balance that hold the same catalogue, and a copy of the shop."""
    asyncio.run(serve_both_until_stopped(host, (shop_port, balance_port, clone_port), ca_file, stock))


async def serve_both_until_stopped(host: str, ports: tuple[int, int, int], ca_file: Path | None, stock: int) -> None:
    """Serves both until the process is asked to stop (SIGINT, SIGTERM)."""
    shop, books = woocommerce_app.create_shop(), import_module("services.sandbox.balance.app").create_balance()
    load_catalogue(shop.state.shop, stock=stock)
    import_module("services.sandbox.balance.catalogue").fill_catalogue(books.books)
    stop, copy = stop_on_signal(), ShopClone(woocommerce_app.create_shop(), shop.state.shop)
    async with (
        serve(FaultInjector(shop), host, ports[0], tls=True, ca_file=ca_file) as shop_at,
        serve(books, host, ports[1]) as balance_at,
        serve(FaultInjector(copy), host, ports[2]) as copy_at,
    ):
        typer.echo(f"WooCommerce {shop_at.url}, key ck_sandbox, secret cs_sandbox, trust {shop_at.ca_file}")
        typer.echo(f"Balance {balance_at.url}, user integration, password sandbox")
        typer.echo(f"Clone of the shop {copy_at.url}, after POST {copy_at.url}/_sandbox/clone")
        await stop.wait()


@cli.command()
def balance(
    host: Host = "127.0.0.1",
    port: Port = 0,
    tls: Tls = False,
    name: Name = [],  # noqa: B006 (typer's way of an empty default)
    ca_file: CaFile = None,
    catalogue: Annotated[bool, typer.Option(help="Fill it with the standard catalogue.")] = False,
) -> None:
    """A Balance with its Exchange service. User: integration / sandbox."""
    app = import_module("services.sandbox.balance.app").create_balance()
    if catalogue:
        import_module("services.sandbox.balance.catalogue").fill_catalogue(app.books)
    asyncio.run(serve_until_stopped(app, host, port, tls, name, ca_file))


async def serve_until_stopped(
    app: ASGIApp, host: str, port: int, tls: bool, names: list[str], ca_file: Path | None
) -> None:
    """Serves until the process is asked to stop (SIGINT, SIGTERM)."""
    stop = stop_on_signal()
    async with serve(app, host, port, tls, names, ca_file) as served:
        typer.echo(f"listening on {served.url}" + (f", trust {served.ca_file}" if served.ca_file else ""))
        await stop.wait()


def stop_on_signal() -> asyncio.Event:
    """Returns an event that SIGINT and SIGTERM set."""
    stop = asyncio.Event()
    for asked in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(asked, stop.set)
    return stop
