"""`davtari init`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from services.cli.command import command
from services.cli.init import dialogue


@command
async def init_command(
    path: Annotated[Path, typer.Option(help="Where to write it.")] = Path("davtari.toml"),
    guided: Annotated[
        bool | None, typer.Option(help="Ask step by step and try each answer; usual on a terminal.")
    ] = None,
) -> int:
    """Write a commented settings file to start from; on a terminal, ask for what belongs in it."""
    return await dialogue.init(path, guided=sys.stdin.isatty() if guided is None else guided)
