"""`davtari up` and `davtari run`."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli import run
from services.cli.codes import WRONG_SETTINGS
from services.cli.frame import command, settings
from services.cli.registry import OPTIONAL, SERVICES, wanted
from services.cli.screen import errors


@command
async def up() -> int:
    """Run all services in this process, until SIGTERM or Ctrl-C."""
    chosen = settings()
    await run.until_signalled(wanted(chosen), chosen, supervised=True)
    return 0


@command
async def run_command(service: Annotated[str, typer.Argument(help=", ".join((*SERVICES, *OPTIONAL)))]) -> int:
    """Run one service in this process, until SIGTERM or Ctrl-C."""
    if service not in (*SERVICES, *OPTIONAL):
        errors.print(f"[red]there is no service {service!r}: {', '.join((*SERVICES, *OPTIONAL))}[/]")
        return WRONG_SETTINGS
    await run.until_signalled([service], settings(), supervised=False)
    return 0
