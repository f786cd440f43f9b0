"""`davtari clients list|show|merge|conflicts|settle`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from contracts.clients import ContactField, ContactSettled, Side
from services.cli.clients import conflicts, merging, shown
from services.cli.clients.known import NoSuchClient, read
from services.cli.command import DryRun, Json, ReasonOption, Shop, command, read_settings, select_shop
from services.cli.requests import command_header
from services.cli.screen import console, print_json
from services.connectors.balance.client import Balance
from services.engine.kafka.commands import send, send_all
from services.settings.model import Settings

app = typer.Typer(no_args_is_help=True, help="Who buyers are to Balance: look, merge, settle contacts.")
Order = Annotated[int | None, typer.Option(help="Whoever placed this order.")]
Number = Annotated[str | None, typer.Option(help="A personal or company number.")]
OfClient = Annotated[str | None, typer.Option("--client", help="Everybody whose orders went to this client so far.")]
Customer = Annotated[int | None, typer.Option(help="A customer account, for its orders without a number.")]
To = Annotated[str, typer.Option("--to", help="The client of Balance: its uid, or its number.")]


@app.command(name="list")
@command
async def list_command(shop: Shop = "", json: Json = False) -> int:
    """The clients that orders of a shop were booked on, how each was found, and whose account ended in the shop."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    found = await read(chosen, shop)
    if json:
        print_json({"clients": [shown.data(found, one) for one in found.clients.values()]})
    else:
        shown.clients(found)
    return 0


@app.command(name="show")
@command
async def show_command(client: str, shop: Shop = "", json: Json = False) -> int:
    """One client (uid, its first signs, or code): orders, how it was found, who said what about it."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    found = await read(chosen, shop)
    one = found.one(client)
    print_json(shown.data(found, one)) if json else shown.client(found, one)
    return 0


@app.command(name="merge")
@command
async def merge_command(
    shop: Shop = "",
    to: To = "",
    why: ReasonOption = "",
    order: Order = None,
    number: Number = None,
    of_client: OfClient = None,
    customer: Customer = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take an earlier merge back.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """From now on book somebody's orders on this client. What stands in Balance stays as it is."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    merging.check(to, why, undo=undo)
    found = await read(chosen, shop)
    whose = merging.refs(merging.Whose(order, number, of_client, customer), found)
    uid = None if undo else await _target(chosen, to)
    words = merging.words(shop, whose, uid, why)
    if not dry_run:
        await send_all(chosen.kafka, words, datetime.now(UTC))
    print_json({"dry_run": dry_run, "words": [one.content() for one in words]}) if json else shown.merged(
        words, dry_run
    )
    return 0


async def _target(chosen: Settings, to: str) -> str:
    async with Balance(chosen.balance, chosen.balance.password()) as balance:
        return (await merging.target(balance, to)).uid


@app.command(name="conflicts")
@command
async def conflicts_command(shop: Shop = "", json: Json = False) -> int:
    """Contacts that shop and Balance have both changed, with both values: who is right is yours to say."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    found = conflicts.waiting(await read(chosen, shop))
    print_json({"conflicts": [conflicts.data(one) for one in found]}) if json else conflicts.show(found, shop)
    return 0


@app.command(name="settle")
@command
async def settle_command(client: str, field: ContactField, take: Side, shop: Shop = "", why: ReasonOption = "") -> int:
    """Say which side is right about a contact that waits; order-exporter then writes it where it differs."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    known = await read(chosen, shop)
    waiting = [one for one in conflicts.waiting(known) if one.client.startswith(client.lower()) and one.field == field]
    if len(waiting) != 1:
        raise NoSuchClient(
            f"{len(waiting)} such contacts wait; davtari clients conflicts --shop {shop} shows what does"
        )
    word = ContactSettled(shop=shop, client=waiting[0].client, field=field, take=take, why=why, **command_header())
    await send(chosen.kafka, word, datetime.now(UTC))
    console.print(f"The {field} of {take} counts for client {word.client}: it is on its way.", soft_wrap=True)
    return 0
