"""`davtari clients list|show|merge|conflicts|settle`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Protocol

import typer

from contracts.clients import ClientAssigned, ContactField, ContactSettled, Side
from services.cli.clients import view
from services.cli.clients.history import (
    BuyerRef,
    ClientFacts,
    ClientNotFound,
    find_client_buyers,
    find_order_buyer,
    read_clients,
)
from services.cli.command import DryRun, InvalidArgument, Json, ReasonOption, Shop, command, read_settings, select_shop
from services.cli.requests import command_header
from services.cli.screen import console, print_json
from services.connectors.balance.client import Balance
from services.connectors.balance.clients import ClientRef
from services.connectors.woocommerce.customers import account_ref
from services.engine.client.commands import send_command, send_commands
from services.order_exporter.client import identity_of_number
from services.settings.model import Settings

# `davtari clients merge`: from now on somebody's orders go to one client. Nothing in Balance is written.


class ClientLookup(Protocol):
    """The clients of a Balance, only read."""

    async def client(self, uid: str) -> ClientRef | None: ...
    async def client_by_id(self, personal_or_company_id: str) -> ClientRef | None: ...


@dataclass(frozen=True, slots=True)
class BuyerChoice:
    """Whose orders are meant: exactly one of these."""

    order: int | None = None
    number: str | None = None
    client: str | None = None
    customer: int | None = None


def check_merge_options(to: str, why: str, *, undo: bool) -> None:
    """Raises `WrongUse` when the client or the reason is missing."""
    if bool(to) == undo:
        raise InvalidArgument("say where the orders go with --to, or take it back with --undo")
    if not why.strip():
        raise InvalidArgument("say why with --why: it is kept with your name")


def find_buyers(whose: BuyerChoice, found: ClientFacts) -> Sequence[BuyerRef]:
    """Whoever is meant. Raises `WrongUse` unless one thing is named, `NoSuchClient` when it is nobody."""
    match (whose.order, whose.number, whose.client, whose.customer):
        case (int(order), None, None, None):
            return find_order_buyer(found, order)
        case (None, str(number), None, None):
            return [_number_ref(number)]
        case (None, None, str(client), None):
            return _require_buyers(find_client_buyers(found, found.one(client)), client)
        case (None, None, None, int(customer)):
            return [BuyerRef(person_ref=account_ref(found.shop, customer))]
        case _:
            raise InvalidArgument("say whose orders: exactly one of --order, --number, --client and --customer")


def _number_ref(number: str) -> BuyerRef:
    identity = identity_of_number(number)
    if identity is None:
        raise InvalidArgument("--number takes 11 digits of a person or 9 of a company")
    return BuyerRef(identity=identity.ref)


def _require_buyers(found: Sequence[BuyerRef], client: str) -> Sequence[BuyerRef]:
    if not found:
        raise ClientNotFound(f"no order that is known here went to the client {client}")
    return found


async def find_target_client(balance: ClientLookup, named: str) -> ClientRef:
    """The client of Balance with this uid or number, which must be there. Raises `NoSuchClient`."""
    number = identity_of_number(named)
    found = await (balance.client_by_id(number.number) if number else balance.client(named.lower()))
    if found is None or found.deleted:
        raise ClientNotFound(f"Balance has no client {named} (or marked it for deletion): nothing was changed")
    return found


def build_assignments(shop: str, whose: Sequence[BuyerRef], client: str | None, why: str) -> list[ClientAssigned]:
    """The commands that make it so; without a client they take an earlier word back."""
    return [
        ClientAssigned(
            shop=shop, identity=ref.identity, person_ref=ref.person_ref, client=client, why=why, **command_header()
        )
        for ref in whose
    ]


app = typer.Typer(no_args_is_help=True, help="Who buyers are to Balance: look, merge, settle contacts.")
Order = Annotated[int | None, typer.Option(help="Whoever placed this order.")]
Number = Annotated[str | None, typer.Option(help="A personal or company number.")]
OfClient = Annotated[str | None, typer.Option("--client", help="Everybody whose orders went to this client so far.")]
Customer = Annotated[int | None, typer.Option(help="A customer account, for its orders without a number.")]
To = Annotated[str, typer.Option("--to", help="The client of Balance: its uid, or its number.")]


@app.command(name="list")
@command
async def list_clients(shop: Shop = "", json: Json = False) -> int:
    """The clients that orders of a shop were booked on, how each was found, and whose account ended in the shop."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    found = await read_clients(chosen, shop)
    if json:
        print_json({"clients": [view.client_to_dict(found, one) for one in found.clients.values()]})
    else:
        view.print_clients(found)
    return 0


@app.command(name="show")
@command
async def show_client(client: str, shop: Shop = "", json: Json = False) -> int:
    """One client (uid, its first signs, or code): orders, how it was found, who said what about it."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    found = await read_clients(chosen, shop)
    one = found.one(client)
    print_json(view.client_to_dict(found, one)) if json else view.print_client(found, one)
    return 0


@app.command(name="merge")
@command
async def merge_clients(
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
    check_merge_options(to, why, undo=undo)
    found = await read_clients(chosen, shop)
    whose = find_buyers(BuyerChoice(order, number, of_client, customer), found)
    uid = None if undo else await _read_target_uid(chosen, to)
    words = build_assignments(shop, whose, uid, why)
    if not dry_run:
        await send_commands(chosen.kafka, words, datetime.now(UTC))
    print_json({"dry_run": dry_run, "words": [one.content() for one in words]}) if json else view.print_merge(
        words, dry_run
    )
    return 0


async def _read_target_uid(chosen: Settings, to: str) -> str:
    async with Balance(chosen.balance, chosen.balance.password()) as balance:
        return (await find_target_client(balance, to)).uid


@app.command(name="conflicts")
@command
async def list_conflicts(shop: Shop = "", json: Json = False) -> int:
    """Contacts that shop and Balance have both changed, with both values: who is right is yours to say."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    found = view.open_conflicts(await read_clients(chosen, shop))
    print_json({"conflicts": [view.conflict_to_dict(one) for one in found]}) if json else view.print_conflicts(
        found, shop
    )
    return 0


@app.command(name="settle")
@command
async def settle_contact(client: str, field: ContactField, take: Side, shop: Shop = "", why: ReasonOption = "") -> int:
    """Say which side is right about a contact that waits; order-exporter then writes it where it differs."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    known = await read_clients(chosen, shop)
    waiting = [
        one for one in view.open_conflicts(known) if one.client.startswith(client.lower()) and one.field == field
    ]
    if len(waiting) != 1:
        raise ClientNotFound(
            f"{len(waiting)} such contacts wait; davtari clients conflicts --shop {shop} shows what does"
        )
    word = ContactSettled(shop=shop, client=waiting[0].client, field=field, take=take, why=why, **command_header())
    await send_command(chosen.kafka, word, datetime.now(UTC))
    console.print(f"The {field} of {take} counts for client {word.client}: it is on its way.", soft_wrap=True)
    return 0
