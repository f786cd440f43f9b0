"""What the topics know of the clients that orders were booked on. Names stand in Balance alone."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Sequence
from dataclasses import dataclass, field

from contracts.clients import ClientAssigned, ContactsConflicted, ContactSettled, ContactsMerged
from contracts.customers import CustomerRemoved
from contracts.envelope import Envelope
from contracts.ledger import ClientRecorded, SaleRecorded
from contracts.model import Event
from contracts.shop import OrderChanged
from services.cli.clients.accounts import Accounts
from services.engine.kafka.reader import read_events
from services.order_exporter.clients.client import identity_of
from services.settings.model import Settings

TOPICS = ("ledger.documents", "operations", "shop.orders", "shop.customers")


RETAIL = "retail client"


class NoSuchClient(Exception):
    """No client, or nobody, is meant by what was named; the message says what to look at."""


@dataclass(slots=True)
class Client:
    """A client of Balance with all that went to it, and the words of people about it."""

    uid: str
    code: str | None = None
    how: str = ""
    details: list[str] = field(default_factory=list)
    orders: list[int] = field(default_factory=list)
    identities: set[str] = field(default_factory=set)
    words: list[ClientAssigned] = field(default_factory=list)


@dataclass(slots=True)
class Known:
    """The clients of a shop by uid, its orders, and what is open about contacts, by client and field."""

    shop: str
    clients: dict[str, Client] = field(default_factory=dict)
    orders: dict[int, OrderChanged] = field(default_factory=dict)
    assigned: dict[str, ClientAssigned] = field(default_factory=dict)
    conflicts: dict[tuple[str, str], ContactsConflicted] = field(default_factory=dict)
    settled: dict[tuple[str, str], ContactSettled] = field(default_factory=dict)
    accounts: Accounts = field(default_factory=Accounts)

    def client(self, uid: str) -> Client:
        """The client, new if it was not heard of yet."""
        return self.clients.setdefault(uid, Client(uid))

    def one(self, named: str) -> Client:
        """The client with this uid, its first signs, or its code. Raises `NoSuchClient`."""
        found = [one for one in self.clients.values() if one.uid.startswith(named.lower()) or one.code == named]
        if len(found) != 1:
            raise NoSuchClient(f"{len(found)} clients match {named}; see davtari clients list --shop {self.shop}")
        return found[0]

    def ended(self, client: Client) -> list[CustomerRemoved]:
        """The accounts in the shop of whoever the client is that have ended; the retail client is nobody."""
        return [] if client.how == RETAIL else self.accounts.ended(client.orders)


async def read(settings: Settings, shop: str) -> Known:
    """What the topics say of a shop's clients now."""
    found = known(shop, [envelope async for envelope in _own(read_events(settings.kafka, TOPICS), shop)])
    if (retail := settings.shops[shop].orders.retail_client) and retail in found.clients:
        found.clients[retail].how = RETAIL
    return found


async def _own(envelopes: AsyncIterable[Envelope[Event]], shop: str) -> AsyncIterable[Envelope[Event]]:
    async for envelope in envelopes:
        if getattr(envelope.data, "shop", None) == shop:
            yield envelope


def known(shop: str, envelopes: Iterable[Envelope[Event]]) -> Known:
    """The same, from a shop's events in the order of their time."""
    found = Known(shop)
    for envelope in sorted(envelopes, key=lambda envelope: envelope.time):
        _take(found, envelope.data)
    return found


def _take(found: Known, event: Event) -> None:
    found.accounts.take(event)
    match event:
        case ClientRecorded():
            _recorded(found.client(event.client), event)
        case SaleRecorded():
            found.client(event.client).orders.append(event.order_id)
        case ClientAssigned():
            _assigned(found, event)
        case OrderChanged():
            found.orders[event.order_id] = event
        case _:
            _take_contacts(found, event)


def _recorded(client: Client, event: ClientRecorded) -> None:
    client.code, client.how = event.code or client.code, RETAIL if event.retail else event.how
    if event.identity and not event.retail:
        client.identities.add(event.identity)
    if event.detail:
        client.details.append(f"order {event.order_id}: {event.detail}")


def _assigned(found: Known, word: ClientAssigned) -> None:
    for ref in (word.identity, word.person_ref):
        if ref:
            found.assigned[ref] = word
    if word.client:
        found.client(word.client).words.append(word)


def _take_contacts(found: Known, event: Event) -> None:
    match event:
        case ContactsConflicted():
            for one in event.conflicts:
                if one.taken is None:
                    found.conflicts[event.client, one.field] = event
        case ContactsMerged():
            for field_ in event.fields:
                if field_ not in event.unsettled:
                    found.conflicts.pop((event.client, field_), None)
                    found.settled.pop((event.client, field_), None)
        case ContactSettled():
            found.settled[event.client, event.field] = event
        case _:
            return


@dataclass(frozen=True, slots=True)
class Ref:
    """An identity, or a person without one, whose orders are to go elsewhere."""

    identity: str | None = None
    person_ref: str | None = None


def refs_of_order(found: Known, order_id: int) -> Sequence[Ref]:
    """Whose order it is: the number that it names, else the person. Raises `NoSuchClient`."""
    order = found.orders.get(order_id)
    if order is None:
        raise NoSuchClient(f"nothing is known of order {order_id} of shop {found.shop}")
    return [ref_of(order)]


def ref_of(order: OrderChanged) -> Ref:
    """What stands for an order's buyer."""
    identity = identity_of(order.person)
    return Ref(identity=identity.ref) if identity else Ref(person_ref=order.person_ref)


def refs_of_client(found: Known, client: Client) -> Sequence[Ref]:
    """Everybody whose orders went to a client so far."""
    bought = [ref_of(found.orders[order]) for order in client.orders if order in found.orders]
    return list(dict.fromkeys([*(Ref(identity=ref) for ref in sorted(client.identities)), *bought]))
