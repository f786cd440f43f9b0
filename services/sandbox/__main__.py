"""`python -m services.sandbox woocommerce --port 8443 --tls` and `... balance --port 8081`: a sandbox until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from starlette.types import ASGIApp

from services.sandbox.faults import Faults
from services.sandbox.server import serve
from services.sandbox.woocommerce import app as woocommerce_app
from services.sandbox.woocommerce.catalogue import load_catalogue
from services.sandbox.woocommerce.settings import Pace, Settings

cli = typer.Typer(help="Sandboxes of the two upstream systems, with faults on demand.", no_args_is_help=True)

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")]
Tls = Annotated[bool, typer.Option(help="Speak TLS with a certificate made for the occasion.")]
Name = Annotated[list[str], typer.Option(help="A further host name for the certificate.")]
CaFile = Annotated[Path | None, typer.Option(help="Where to write the certificate of the authority to trust.")]


@cli.command()
def woocommerce(
    host: Host = "127.0.0.1",
    port: Port = 0,
    tls: Tls = False,
    name: Name = [],  # noqa: B006 (typer's way to say "none")
    ca_file: CaFile = None,
    home_url: Annotated[str | None, typer.Option(help="The shop's home; without it, wherever it is reached.")] = None,
    stock: Annotated[int | None, typer.Option(help="Load the recorded catalogue with so many pieces each.")] = None,
    slow: Annotated[bool, typer.Option(help="Take as long as the recorded shop did.")] = False,
) -> None:
    """A WooCommerce 9.9.5. Keys: ck_sandbox / cs_sandbox."""
    settings = Settings(home_url=home_url, pace=Pace() if slow else None)
    app = woocommerce_app.create(settings)
    if stock is not None:
        load_catalogue(app.state.shop, stock=stock)
    asyncio.run(until_stopped(Faults(app), host, port, tls, name, ca_file))


@cli.command()
def balance(
    host: Host = "127.0.0.1",
    port: Port = 0,
    tls: Tls = False,
    name: Name = [],  # noqa: B006 (typer's way to say "none")
    ca_file: CaFile = None,
    catalogue: Annotated[bool, typer.Option(help="Fill it with the standard catalogue.")] = False,
) -> None:
    """A Balance with its Exchange service. User: integration / sandbox."""
    app = import_module("services.sandbox.balance.app").create()
    if catalogue:
        import_module("services.sandbox.balance.catalogue").fill(app.books)
    asyncio.run(until_stopped(app, host, port, tls, name, ca_file))


async def until_stopped(app: ASGIApp, host: str, port: int, tls: bool, names: list[str], ca_file: Path | None) -> None:
    """Serves until the process is asked to stop (SIGINT, SIGTERM)."""
    stop = asyncio.Event()
    for asked in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(asked, stop.set)
    async with serve(app, host, port, tls, names, ca_file) as served:
        typer.echo(f"listening on {served.url}" + (f", trust {served.ca_file}" if served.ca_file else ""))
        await stop.wait()


if __name__ == "__main__":
    cli()
