"""`davtari contracts`: what a change of the schemas would break."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from services.cli.codes import FAILED, WRONG_SETTINGS
from services.cli.frame import Json
from services.cli.schema_comparison import OURS, NoSchemas, compare
from services.cli.screen import as_json, console, errors

app = typer.Typer(no_args_is_help=True, help="The schemas of the events.")
Old = Annotated[Path, typer.Argument(help="A folder of schemas, such as contracts/schemas of an earlier release.")]
New = Annotated[Path | None, typer.Argument(help="The folder to compare with; default: the schemas of this version.")]


@app.callback()
def contracts() -> None:
    """The schemas of the events."""


@app.command(name="check")
def contracts_check(old: Old, new: New = None, json: Json = False) -> None:
    """Name every change from OLD to NEW that breaks a subscriber; exit code 1 if there is one."""
    try:
        found = compare(old, new or OURS)
    except NoSchemas as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(WRONG_SETTINGS) from None
    if json:
        as_json(asdict(found))
    else:
        for one in found.breaking:
            console.print(f"{one.schema} {one.change}", markup=False, soft_wrap=True)
        told = f"{found.compared} schemas compared, {len(found.added)} new, {len(found.breaking)} breaking changes"
        console.print(told, soft_wrap=True)
    raise typer.Exit(FAILED if found.breaking else 0)
