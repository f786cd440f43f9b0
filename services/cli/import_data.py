"""`davtari import`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from contracts.operations import ImportRequested
from services.cli import requests
from services.cli.clients.bulk import Yes, import_clients
from services.cli.command import DryRun, Json, Patience, Shop, command, read_settings, show_answer
from services.cli.screen import console


@command
async def import_command(
    resource: Literal["items", "prices", "stock", "discounts", "clients"],
    dry_run: DryRun = False,
    accept_loss: Annotated[bool, typer.Option(help="Believe a snapshot that loses many records.")] = False,
    patience: Patience = 300.0,
    shop: Shop = "",
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Read Balance now (discounts: the prices with them); or make clients of a shop's customers that gave a number."""
    if resource == "clients":
        return await import_clients(shop, write=yes and not dry_run, json=json)
    reduced = resource == "discounts"
    source = "prices" if resource == "discounts" else resource
    what = {"dry_run": dry_run, "accept_loss": accept_loss, "discounts": reduced}
    asked = ImportRequested(resource=source, **what, **requests.command_header())
    with console.status(f"reading {resource} from Balance…"):
        answer = await requests.request(read_settings(), asked, patience)
    return show_answer(answer, json)
