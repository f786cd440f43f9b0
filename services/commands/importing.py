"""`davtari import`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from contracts.operations import ImportRequested
from services.commands import ask
from services.commands.frame import DryRun, Json, Patience, answered, command, settings
from services.commands.screen import console


@command
async def import_command(
    resource: Literal["items", "prices", "stock", "discounts"],
    dry_run: DryRun = False,
    accept_loss: Annotated[bool, typer.Option(help="Believe a snapshot that loses many records.")] = False,
    patience: Patience = 300.0,
    json: Json = False,
) -> int:
    """Read items, prices or stock from Balance now; discounts: the prices with Balance's discounts on them."""
    reduced = resource == "discounts"
    source = "prices" if resource == "discounts" else resource
    what = {"dry_run": dry_run, "accept_loss": accept_loss, "discounts": reduced}
    asked = ImportRequested(resource=source, **what, **ask.stamp())
    with console.status(f"reading {resource} from Balance…"):
        answer = await ask.ask(settings(), asked, patience)
    return answered(answer, json)
