"""`davtari shop show` and `davtari shop accept`."""

from __future__ import annotations

from typing import Annotated

import typer

from contracts.identity import AcceptShopRequested
from services.cli import requests
from services.cli.command import FAILED, Json, Patience, Shop, command, read_settings, select_shop, show_answer
from services.cli.screen import console, print_json
from services.cli.shops import identity

app = typer.Typer(no_args_is_help=True, help="Which shop is known, and whether another one answers.")


@app.command(name="show")
@command
async def show_command(shop: Shop = "", json: Json = False) -> int:
    """What a shop is known by; what differs, if another one answers. Exit code 1 when it is not recognized."""
    chosen = read_settings()
    name = select_shop(chosen, shop)
    standing = (await identity.identities(chosen))[name]
    print_json(identity.as_data(standing)) if json else identity.show(name, standing)
    return FAILED if standing.strange else 0


@app.command(name="accept")
@command
async def accept_command(
    reason: Annotated[str, typer.Option("--reason", help="Why this is the right shop; recorded with your name.")],
    shop: Shop = "",
    patience: Patience = 60.0,
    json: Json = False,
) -> int:
    """Say that the shop that answers now is the right one: its lanes open again. Kept with your name and reason."""
    chosen = read_settings()
    name = select_shop(chosen, shop)
    asked = AcceptShopRequested(shop=name, why=reason, **requests.command_header())
    with console.status(f"looking at shop {name}…"):
        answer = await requests.request(chosen, asked, patience)
    return show_answer(answer, json)
