"""`davtari clients merge`: from now on somebody's orders go to one client. Nothing in Balance is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from contracts.clients import ClientAssigned
from services.cli.clients.known import Known, NoSuchClient, Ref, refs_of_client, refs_of_order
from services.cli.command import InvalidArgument
from services.cli.requests import command_header
from services.connectors.balance.clients import ClientRef
from services.connectors.woocommerce.person import account_ref
from services.order_exporter.clients.client import identity_of_number


class Clients(Protocol):
    """The clients of a Balance, only read."""

    async def client(self, uid: str) -> ClientRef | None: ...
    async def client_by_id(self, personal_or_company_id: str) -> ClientRef | None: ...


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose orders are meant: exactly one of these."""

    order: int | None = None
    number: str | None = None
    client: str | None = None
    customer: int | None = None


def check(to: str, why: str, *, undo: bool) -> None:
    """Raises `WrongUse` when the client or the reason is missing."""
    if bool(to) == undo:
        raise InvalidArgument("say where the orders go with --to, or take it back with --undo")
    if not why.strip():
        raise InvalidArgument("say why with --why: it is kept with your name")


def refs(whose: Whose, found: Known) -> Sequence[Ref]:
    """Whoever is meant. Raises `WrongUse` unless one thing is named, `NoSuchClient` when it is nobody."""
    match (whose.order, whose.number, whose.client, whose.customer):
        case (int(order), None, None, None):
            return refs_of_order(found, order)
        case (None, str(number), None, None):
            return [_of_number(number)]
        case (None, None, str(client), None):
            return _some(refs_of_client(found, found.one(client)), client)
        case (None, None, None, int(customer)):
            return [Ref(person_ref=account_ref(found.shop, customer))]
        case _:
            raise InvalidArgument("say whose orders: exactly one of --order, --number, --client and --customer")


def _of_number(number: str) -> Ref:
    identity = identity_of_number(number)
    if identity is None:
        raise InvalidArgument("--number takes 11 digits of a person or 9 of a company")
    return Ref(identity=identity.ref)


def _some(found: Sequence[Ref], client: str) -> Sequence[Ref]:
    if not found:
        raise NoSuchClient(f"no order that is known here went to the client {client}")
    return found


async def target(balance: Clients, named: str) -> ClientRef:
    """The client of Balance with this uid or number, which must be there. Raises `NoSuchClient`."""
    number = identity_of_number(named)
    found = await (balance.client_by_id(number.number) if number else balance.client(named.lower()))
    if found is None or found.deleted:
        raise NoSuchClient(f"Balance has no client {named} (or marked it for deletion): nothing was changed")
    return found


def words(shop: str, whose: Sequence[Ref], client: str | None, why: str) -> list[ClientAssigned]:
    """The commands that make it so; without a client they take an earlier word back."""
    return [
        ClientAssigned(
            shop=shop, identity=ref.identity, person_ref=ref.person_ref, client=client, why=why, **command_header()
        )
        for ref in whose
    ]
