"""Which client a Sale is booked on, and whether Balance must be asked for it first.

The ladder (claims S3.27, S3.45): a number → an accountant's word about the buyer → the number that the same buyer gave
elsewhere, where that is allowed → the one client with the same phone or e-mail, where that is → the retail client;
never a name. A word about a number (`davtari clients merge`) says to which client its orders go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from contracts.reasons import Reason
from contracts.shop import OrderChanged, Person
from services.accounting.contacts import SAME
from services.accounting.documents.ids import contact_ref
from services.accounting.documents.unbookable import required
from services.engine.state.records import State
from services.order_exporter.client import Identity, client_document, identity_of
from services.order_exporter.projection import ASSIGNED, CLIENT, GIVEN_BY, ORDER, assigned_key, order_client_key
from services.order_exporter.tasks import ClientTask
from services.settings.balance import BalanceSettings
from services.settings.orders import OrderSettings

RETAIL = "retail client"
SEVERAL_NUMBERS = "the buyer has given several numbers with other orders: retail client"
EARLIER_NUMBER = "the number is from another order of the same buyer"


@dataclass(frozen=True, slots=True)
class ChosenClient:
    """A client uid. While `lookup` is there the client is not known yet, and the uid is what it would become.

    `how` tells the accountant's gate by which rung of the ladder; `remark` is for the document.
    """

    client: str
    lookup: ClientTask | None = None
    how: str = RETAIL
    remark: str = ""


@dataclass(frozen=True, slots=True)
class BuyerContext:
    """An order whose buyer is looked for."""

    order: OrderChanged
    settings: OrderSettings
    balance: BalanceSettings
    state: State


def choose_client(order: OrderChanged, settings: OrderSettings, balance: BalanceSettings, state: State) -> ChosenClient:
    """The first rung of the ladder that holds.

    Raises `Unbookable` when the retail client is needed and not set.
    """
    case = BuyerContext(order, settings, balance, state)
    identity = identity_of(order.person)
    if identity is not None:
        return _by_number(identity, case)
    if assigned := _assigned(order.person_ref, case):
        return ChosenClient(assigned, how="client by hand")
    numbers = _elsewhere(case) if settings.clients.known_links else ()
    if len(numbers) == 1:
        return replace(_by_number(numbers[0], case), remark=EARLIER_NUMBER)
    if numbers:
        return ChosenClient(_retail(case), remark=SEVERAL_NUMBERS)
    return _by_contact(case)


def _assigned(ref: str, case: BuyerContext) -> str | None:
    word = case.state.get(ASSIGNED, assigned_key(case.order.shop, ref))
    return word.client if word else None


def _by_number(identity: Identity, case: BuyerContext) -> ChosenClient:
    """A word about the person does not count here: with a number they order for whomever it names."""
    how = f"{identity.kind} by number"
    if assigned := _assigned(identity.ref, case):
        return ChosenClient(assigned, how=how)
    if known := _known(identity.ref, case):
        return replace(known, how=how)
    return ChosenClient(identity.ref, _lookup(identity, case), how)


def _known(ref: str, case: BuyerContext) -> ChosenClient | None:
    state = case.state
    known = state.get(CLIENT, ref) or state.get(CLIENT, order_client_key(case.order.key))
    return ChosenClient(known.client, remark=known.detail) if known else None


def _elsewhere(case: BuyerContext) -> Sequence[Identity]:
    """The different identities that the same account, or guest with the same e-mail, has given with other orders."""
    given = sorted(case.state.find(GIVEN_BY, case.order.person_ref).values(), key=lambda each: each.order)
    newest = {each.identity: each.order for each in given}
    orders = case.state.get_many(ORDER, newest.values())
    found = [identity_of(known.order.person) for known in orders.values()]
    return [identity for identity in found if identity]


def _by_contact(case: BuyerContext) -> ChosenClient:
    contacts = contacts_of(case.order.person, case.settings.clients.match_by)
    if not contacts:
        return ChosenClient(_retail(case))
    ref, how = contact_ref(contacts), "by phone or e-mail"
    if known := _known(ref, case):
        return replace(known, how=how)
    task = _task(ref, case, by="contact", create=False, retail=_retail(case), person=contacts)
    return ChosenClient(_retail(case), task, how)


def contacts_of(person: Person | None, sorts: Sequence[str]) -> dict[str, Any]:
    """The buyer's phone and e-mail, as far as they count and are some, in the spelling in which they are compared."""
    given = {"phone": person.phone, "email": person.email} if person else {}
    found = {sort: SAME[sort](given[sort]) for sort in sorts if sort in given}
    return {sort: text for sort, text in found.items() if text}


def _retail(case: BuyerContext) -> str:
    order = case.order
    purpose = f"order {order.number} of shop {order.shop} names no personal or company number that Balance could hold"
    return required(case.settings.retail_client, order.shop, "retail-client", purpose, Reason.SALE_SETTING_MISSING)


def _lookup(identity: Identity, case: BuyerContext) -> ClientTask:
    create, lists = case.settings.create_clients, case.balance.dialect.lists
    document = client_document(identity, case.order, lists)
    return _task(identity.ref, case, create=create, retail=None if create else _retail(case), person=document)


def _task(identity: str, case: BuyerContext, **rest: Any) -> ClientTask:
    order = case.order
    return ClientTask(shop=order.shop, order_id=order.order_id, person_ref=order.person_ref, identity=identity, **rest)
