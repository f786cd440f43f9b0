"""Which client a Sale is booked on, and whether Balance must be asked for it first (claims S3.27, S3.45).

The first that applies: the buyer's number; a client that an accountant assigned to the buyer; if allowed, the number
that the same buyer gave with other orders; if allowed, the only client with the same phone or e-mail; the retail
client. Names are never matched. `davtari clients merge` assigns a client to a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from contracts.reasons import Reason
from contracts.shop import OrderChanged, Person
from services.accounting.contacts import NORMALIZERS
from services.accounting.documents.identity import Identity, identity_of
from services.accounting.documents.ids import contact_ref
from services.accounting.documents.unbookable import require_setting
from services.connectors.woocommerce.customers import former_person_ref
from services.engine.state.records import State
from services.order_exporter.client import client_document
from services.order_exporter.projection import CLIENT, GIVEN_BY, ORDER, assigned_client, order_client_key
from services.order_exporter.tasks import ClientTask
from services.settings.balance import BalanceSettings
from services.settings.orders import OrderSettings

RETAIL = "retail client"
SEVERAL_NUMBERS = "the buyer has given several numbers with other orders: retail client"
EARLIER_NUMBER = "the number is from another order of the same buyer"


@dataclass(frozen=True, slots=True)
class ChosenClient:
    """A client uid. With `lookup` the client is not known yet, and the uid is the one it would be created with.

    `how` describes the match for the accountant's gate; `remark` is for the document.
    """

    client: str
    lookup: ClientTask | None = None
    how: str = RETAIL
    remark: str = ""


@dataclass(frozen=True, slots=True)
class BuyerContext:
    """An order for which a client is chosen."""

    order: OrderChanged
    settings: OrderSettings
    balance: BalanceSettings
    state: State


def choose_client(order: OrderChanged, settings: OrderSettings, balance: BalanceSettings, state: State) -> ChosenClient:
    """The client of an order. Raises `Unbookable` if the retail client is needed and not set."""
    context = BuyerContext(order, settings, balance, state)
    identity = identity_of(order.person)
    if identity is not None:
        return _by_number(identity, context)
    if assigned := assigned_client(order.shop, person_refs(order), state):
        return ChosenClient(assigned, how="client by hand")
    numbers = _other_numbers(context) if settings.clients.known_links else ()
    if len(numbers) == 1:
        return replace(_by_number(numbers[0], context), remark=EARLIER_NUMBER)
    if numbers:
        return ChosenClient(_retail(context), remark=SEVERAL_NUMBERS)
    return _by_contact(context)


def person_refs(order: OrderChanged) -> tuple[str, str]:
    """The references of an order's buyer: the one in use, and that of an earlier version."""
    return order.person_ref, former_person_ref(order)


def _by_number(identity: Identity, context: BuyerContext) -> ChosenClient:
    """A client assigned to the person does not count here: they order for the owner of the number."""
    how = f"{identity.kind} by number"
    if assigned := assigned_client(context.order.shop, identity.refs, context.state):
        return ChosenClient(assigned, how=how)
    if known := _known(identity.ref, context):
        return replace(known, how=how)
    return ChosenClient(identity.ref, _lookup(identity, context), how)


def _known(ref: str, context: BuyerContext) -> ChosenClient | None:
    state = context.state
    known = state.get(CLIENT, ref) or state.get(CLIENT, order_client_key(context.order.key))
    return ChosenClient(known.client, remark=known.detail) if known else None


def _other_numbers(context: BuyerContext) -> Sequence[Identity]:
    """The different identities that the same account, or guest with the same e-mail, gave with other orders."""
    by_ref = context.state.find_many(GIVEN_BY, person_refs(context.order)).values()
    given = sorted((each for found in by_ref for each in found.values()), key=lambda each: each.order)
    newest = {each.identity: each.order for each in given}
    orders = context.state.get_many(ORDER, newest.values())
    found = [identity_of(known.order.person) for known in orders.values()]
    return [identity for identity in found if identity]


def _by_contact(context: BuyerContext) -> ChosenClient:
    contacts = contacts_of(context.order.person, context.settings.clients.match_by)
    if not contacts:
        return ChosenClient(_retail(context))
    ref, how = contact_ref(contacts), "by phone or e-mail"
    if known := _known(ref, context):
        return replace(known, how=how)
    task = _task(ref, context, by="contact", create=False, retail=_retail(context), person=contacts)
    return ChosenClient(_retail(context), task, how)


def contacts_of(person: Person | None, sorts: Sequence[str]) -> dict[str, Any]:
    """The buyer's phone and e-mail, as far as the settings use them, normalized for comparison."""
    contacts = {"phone": person.phone, "email": person.email} if person else {}
    found = {sort: NORMALIZERS[sort](contacts[sort]) for sort in sorts if sort in contacts}
    return {sort: text for sort, text in found.items() if text}


def _retail(context: BuyerContext) -> str:
    order = context.order
    purpose = f"order {order.number} of shop {order.shop} has no valid personal or company number"
    return require_setting(
        context.settings.retail_client, order.shop, "retail-client", purpose, Reason.SALE_SETTING_MISSING
    )


def _lookup(identity: Identity, context: BuyerContext) -> ClientTask:
    create, lists = context.settings.create_clients, context.balance.dialect.lists
    document = client_document(identity, context.order, lists)
    return _task(identity.ref, context, create=create, retail=None if create else _retail(context), person=document)


def _task(identity: str, context: BuyerContext, **rest: Any) -> ClientTask:
    order = context.order
    return ClientTask(shop=order.shop, order_id=order.order_id, person_ref=order.person_ref, identity=identity, **rest)
