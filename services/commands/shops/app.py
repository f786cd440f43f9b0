"""`davtari shop show` and `davtari shop accept`."""

from __future__ import annotations

from typing import Annotated

import typer

from contracts.identity import AcceptShopRequested
from services.commands import ask
from services.commands.codes import FAILED
from services.commands.frame import Json, Patience, answered, command, settings
from services.commands.screen import as_json, console
from services.commands.shops import identity
from services.shared.settings import SettingsError
from services.shared.settings.model import Settings

app = typer.Typer(no_args_is_help=True, help="Which shop is known, and whether another one answers.")


@app.command(name="show")
@command
async def show_command(shop: str, json: Json = False) -> int:
    """What a shop is known by; what differs, if another one answers. Exit code 1 when it is not recognized."""
    chosen = settings()
    standing = (await identity.identities(chosen))[named(chosen, shop)]
    as_json(identity.as_data(standing)) if json else identity.show(shop, standing)
    return FAILED if standing.strange else 0


@app.command(name="accept")
@command
async def accept_command(
    shop: str,
    reason: Annotated[str, typer.Option("--reason", help="Why this is the right shop; kept for the audit.")],
    patience: Patience = 60.0,
    json: Json = False,
) -> int:
    """Say that the shop that answers now is the right one: its lanes open again. Kept with your name and reason."""
    chosen = settings()
    asked = AcceptShopRequested(shop=named(chosen, shop), why=reason, **ask.stamp())
    with console.status(f"looking at shop {shop}…"):
        answer = await ask.ask(chosen, asked, patience)
    return answered(answer, json)


def named(chosen: Settings, shop: str) -> str:
    """A shop of the settings. Raises `SettingsError`."""
    if shop not in chosen.shops:
        raise SettingsError(f"the settings name no shop {shop!r}, only {', '.join(chosen.shops)}")
    return shop
