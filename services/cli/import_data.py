"""`davtari import`: requests an import from Balance, or creates clients for a shop's customers."""

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
    accept_loss: Annotated[bool, typer.Option(help="Accept a snapshot in which many records are missing.")] = False,
    patience: Patience = 300.0,
    shop: Shop = "",
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Read items, prices, stock or discounts from Balance now, or create clients for a shop's customers.

    Clients are created only for customers who have given a personal or company id."""
    if resource == "clients":
        return await import_clients(shop, write=yes and not dry_run, json=json)
    discounts = resource == "discounts"
    source = "prices" if discounts else resource
    options = {"dry_run": dry_run, "accept_loss": accept_loss, "discounts": discounts}
    asked = ImportRequested(resource=source, **options, **requests.command_header())
    with console.print_status(f"Reading {resource} from Balance…"):
        answer = await requests.request(read_settings(), asked, patience)
    return show_answer(answer, json)
