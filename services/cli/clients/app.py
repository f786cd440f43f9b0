"""`davtari clients`: list and merge the clients of buyers, and resolve conflicts of contacts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

import typer

from contracts.clients import ClientAssigned, ContactField, ContactSettled, Side
from services.accounting.documents.identity import identity_of_number
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
from services.cli.requests import command_header, user_name
from services.cli.screen import console, print_json
from services.connectors.balance.client import Balance
from services.connectors.balance.clients import ClientRef
from services.connectors.woocommerce.customers import account_ref
from services.engine.client.commands import issue
from services.settings.model import Settings

app = typer.Typer(
    no_args_is_help=True, help="The clients of buyers in Balance: list, merge, resolve conflicts of contacts."
)
Order = Annotated[int | None, typer.Option(help="The buyer of this order.")]
Number = Annotated[str | None, typer.Option(help="The buyer with this personal or company number.")]
OfClient = Annotated[
    str | None, typer.Option("--client", help="All buyers whose orders were booked on this client so far.")
]
Customer = Annotated[
    int | None, typer.Option(help="The buyer with this customer account, for orders without a number.")
]
To = Annotated[str, typer.Option("--to", help="The client in Balance: its uid, or its personal or company number.")]


class ClientLookup(Protocol):
    """The calls to Balance that find a client."""

    async def client(self, uid: str) -> ClientRef | None: ...
    async def client_by_id(self, personal_or_company_id: str) -> ClientRef | None: ...


@dataclass(frozen=True, slots=True)
class BuyerChoice:
    """The buyer whose orders are assigned: exactly one field is set."""

    order: int | None = None
    number: str | None = None
    client: str | None = None
    customer: int | None = None


def check_merge_options(to: str, why: str, *, undo: bool) -> None:
    """Raises `InvalidArgument` if the client or the reason is missing."""
    if bool(to) == undo:
        raise InvalidArgument("Name the client with --to, or undo an earlier merge with --undo")
    if not why.strip():
        raise InvalidArgument("Add --reason: it is recorded with your name")


def find_buyers(whose: BuyerChoice, found: ClientFacts) -> Sequence[BuyerRef]:
    """The chosen buyers. Raises `InvalidArgument` unless one option is set, `ClientNotFound` if there are none."""
    match (whose.order, whose.number, whose.client, whose.customer):
        case (int(order), None, None, None):
            return find_order_buyer(found, order)
        case (None, str(number), None, None):
            return [_number_ref(number)]
        case (None, None, str(client), None):
            return _require_buyers(find_client_buyers(found, found.find(client)), client)
        case (None, None, None, int(customer)):
            return [BuyerRef(person_ref=account_ref(found.shop, customer))]
        case _:
            raise InvalidArgument("Name the buyer with exactly one of --order, --number, --client and --customer")


def _number_ref(number: str) -> BuyerRef:
    identity = identity_of_number(number)
    if identity is None:
        raise InvalidArgument("--number must have 11 digits (a person) or 9 digits (a company)")
    return BuyerRef(identity=identity.ref)


def _require_buyers(found: Sequence[BuyerRef], client: str) -> Sequence[BuyerRef]:
    if not found:
        raise ClientNotFound(f"No known order was booked on client {client}")
    return found


async def find_target_client(balance: ClientLookup, name: str) -> ClientRef:
    """The client in Balance with this uid or number. Raises `ClientNotFound`."""
    number = identity_of_number(name)
    found = await (balance.client_by_id(number.number) if number else balance.client(name.lower()))
    if found is None or found.deleted:
        raise ClientNotFound(f"Balance has no client {name}, or it is marked for deletion. Nothing was changed")
    return found


def build_assignments(shop: str, whose: Sequence[BuyerRef], client: str | None, why: str) -> list[ClientAssigned]:
    """The commands that assign the buyers to a client; without a client they undo an earlier assignment."""
    return [
        ClientAssigned(
            shop=shop, identity=ref.identity, person_ref=ref.person_ref, client=client, why=why, **command_header()
        )
        for ref in whose
    ]


@app.command(name="list")
@command
async def list_clients(shop: Shop = "", json: Json = False) -> int:
    """List the clients on which orders of a shop were booked, how each was found, and deleted accounts."""
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
    """Show a client by uid (or its first characters) or code: orders, how it was found, assignments by people."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    found = await read_clients(chosen, shop)
    one = found.find(client)
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
    undo: Annotated[bool, typer.Option("--undo", help="Undo an earlier merge.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """Book the future orders of a buyer on one client. Documents in Balance are not changed."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    check_merge_options(to, why, undo=undo)
    found = await read_clients(chosen, shop)
    whose = find_buyers(BuyerChoice(order, number, of_client, customer), found)
    uid = None if undo else await _read_target_uid(chosen, to)
    assignments = build_assignments(shop, whose, uid, why)
    if not dry_run:
        await issue(chosen, *assignments, asked_by=user_name())
    print_json(
        {"dry_run": dry_run, "assignments": [one.content() for one in assignments]}
    ) if json else view.print_merge(assignments, dry_run)
    return 0


async def _read_target_uid(chosen: Settings, to: str) -> str:
    async with Balance(chosen.balance, chosen.balance.password()) as balance:
        return (await find_target_client(balance, to)).uid


@app.command(name="conflicts")
@command
async def list_conflicts(shop: Shop = "", json: Json = False) -> int:
    """List contacts that were changed in the shop and in Balance, with both values."""
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
    """Decide which side of a conflict is right; order-exporter then writes that value to the other side."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    known = await read_clients(chosen, shop)
    waiting = [
        one for one in view.open_conflicts(known) if one.client.startswith(client.lower()) and one.field == field
    ]
    if len(waiting) != 1:
        raise ClientNotFound(f"{len(waiting)} conflicts match; see davtari clients conflicts --shop {shop}")
    decision = ContactSettled(shop=shop, client=waiting[0].client, field=field, take=take, why=why, **command_header())
    await issue(chosen, decision, asked_by=user_name())
    console.print(
        f"The {field} of client {decision.client} is taken from {take}; order-exporter writes it.", soft_wrap=True
    )
    return 0
