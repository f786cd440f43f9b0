"""What the topics know of the clients that orders were booked on. Names stand in Balance alone."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Sequence
from dataclasses import dataclass, field

from contracts.clients import ClientAssigned, ContactsConflicted, ContactSettled, ContactsMerged
from contracts.customers import CustomerRemoved, CustomerReturned
from contracts.envelope import Envelope
from contracts.ledger import ClientRecorded, SaleRecorded
from contracts.model import Event
from contracts.shop import OrderChanged
from services.engine.client.reader import read_events
from services.engine.clock import TBILISI
from services.order_exporter.client import identity_of
from services.settings.model import Settings

# Accounts that have ended in the shop: a flag at the clients that their orders were booked on (claim S2.16).

CLIENT_KEPT = "the client and its documents stay in Balance"


@dataclass(slots=True)
class ShopAccounts:
    """The accounts that orders have ever named (the shop makes them a guest's in the end), and those that are gone."""

    of_order: dict[int, set[int]] = field(default_factory=dict)
    removed: dict[int, CustomerRemoved] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """What an event says of accounts."""
        match event:
            case OrderChanged():
                self.of_order.setdefault(event.order_id, set()).add(event.customer_id)
            case CustomerRemoved():
                self.removed[event.customer_id] = event
            case CustomerReturned():
                self.removed.pop(event.customer_id, None)

    def ended(self, orders: Iterable[int]) -> list[CustomerRemoved]:
        """The accounts of these orders that the shop does not hold any more, by number."""
        named = {account for order in orders for account in self.of_order.get(order, ())}
        return [self.removed[account] for account in sorted(named & self.removed.keys())]


def describe_removed_account(event: CustomerRemoved) -> str:
    """That an account is gone, and that nothing follows from it for the books."""
    return f"account {event.customer_id} deleted in the shop, seen on {_day(event)}; {CLIENT_KEPT}"


def removed_account_to_dict(event: CustomerRemoved) -> dict[str, object]:
    """The same as data."""
    return {"customer": event.customer_id, "seen_on": _day(event)}


def _day(event: CustomerRemoved) -> str:
    return f"{event.observed_at.astimezone(TBILISI):%Y-%m-%d}"


TOPICS = ("ledger.documents", "operations", "shop.orders", "shop.customers")


RETAIL = "retail client"


class ClientNotFound(Exception):
    """No client, or nobody, is meant by what was named; the message says what to look at."""


@dataclass(slots=True)
class ClientHistory:
    """A client of Balance with all that went to it, and the words of people about it."""

    uid: str
    code: str | None = None
    how: str = ""
    details: list[str] = field(default_factory=list)
    orders: list[int] = field(default_factory=list)
    identities: set[str] = field(default_factory=set)
    words: list[ClientAssigned] = field(default_factory=list)


@dataclass(slots=True)
class ClientFacts:
    """The clients of a shop by uid, its orders, and what is open about contacts, by client and field."""

    shop: str
    clients: dict[str, ClientHistory] = field(default_factory=dict)
    orders: dict[int, OrderChanged] = field(default_factory=dict)
    assigned: dict[str, ClientAssigned] = field(default_factory=dict)
    conflicts: dict[tuple[str, str], ContactsConflicted] = field(default_factory=dict)
    settled: dict[tuple[str, str], ContactSettled] = field(default_factory=dict)
    accounts: ShopAccounts = field(default_factory=ShopAccounts)

    def client(self, uid: str) -> ClientHistory:
        """The client, new if it was not heard of yet."""
        return self.clients.setdefault(uid, ClientHistory(uid))

    def one(self, named: str) -> ClientHistory:
        """The client with this uid, its first signs, or its code. Raises `NoSuchClient`."""
        found = [one for one in self.clients.values() if one.uid.startswith(named.lower()) or one.code == named]
        if len(found) != 1:
            raise ClientNotFound(f"{len(found)} clients match {named}; see davtari clients list --shop {self.shop}")
        return found[0]

    def ended(self, client: ClientHistory) -> list[CustomerRemoved]:
        """The accounts in the shop of whoever the client is that have ended; the retail client is nobody."""
        return [] if client.how == RETAIL else self.accounts.ended(client.orders)


async def read_clients(settings: Settings, shop: str) -> ClientFacts:
    """What the topics say of a shop's clients now."""
    found = collect_clients(
        shop, [envelope async for envelope in _filter_shop(read_events(settings.kafka, TOPICS), shop)]
    )
    if (retail := settings.shops[shop].orders.retail_client) and retail in found.clients:
        found.clients[retail].how = RETAIL
    return found


async def _filter_shop(envelopes: AsyncIterable[Envelope[Event]], shop: str) -> AsyncIterable[Envelope[Event]]:
    async for envelope in envelopes:
        if getattr(envelope.data, "shop", None) == shop:
            yield envelope


def collect_clients(shop: str, envelopes: Iterable[Envelope[Event]]) -> ClientFacts:
    """The same, from a shop's events in the order of their time."""
    found = ClientFacts(shop)
    for envelope in sorted(envelopes, key=lambda envelope: envelope.time):
        _apply(found, envelope.data)
    return found


def _apply(found: ClientFacts, event: Event) -> None:
    found.accounts.take(event)
    match event:
        case ClientRecorded():
            _apply_recorded(found.client(event.client), event)
        case SaleRecorded():
            found.client(event.client).orders.append(event.order_id)
        case ClientAssigned():
            _apply_assigned(found, event)
        case OrderChanged():
            found.orders[event.order_id] = event
        case _:
            _apply_contacts(found, event)


def _apply_recorded(client: ClientHistory, event: ClientRecorded) -> None:
    client.code, client.how = event.code or client.code, RETAIL if event.retail else event.how
    if event.identity and not event.retail:
        client.identities.add(event.identity)
    if event.detail:
        client.details.append(f"order {event.order_id}: {event.detail}")


def _apply_assigned(found: ClientFacts, word: ClientAssigned) -> None:
    for ref in (word.identity, word.person_ref):
        if ref:
            found.assigned[ref] = word
    if word.client:
        found.client(word.client).words.append(word)


def _apply_contacts(found: ClientFacts, event: Event) -> None:
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
class BuyerRef:
    """An identity, or a person without one, whose orders are to go elsewhere."""

    identity: str | None = None
    person_ref: str | None = None


def find_order_buyer(found: ClientFacts, order_id: int) -> Sequence[BuyerRef]:
    """Whose order it is: the number that it names, else the person. Raises `NoSuchClient`."""
    order = found.orders.get(order_id)
    if order is None:
        raise ClientNotFound(f"nothing is known of order {order_id} of shop {found.shop}")
    return [buyer_ref(order)]


def buyer_ref(order: OrderChanged) -> BuyerRef:
    """What stands for an order's buyer."""
    identity = identity_of(order.person)
    return BuyerRef(identity=identity.ref) if identity else BuyerRef(person_ref=order.person_ref)


def find_client_buyers(found: ClientFacts, client: ClientHistory) -> Sequence[BuyerRef]:
    """Everybody whose orders went to a client so far."""
    bought = [buyer_ref(found.orders[order]) for order in client.orders if order in found.orders]
    return list(dict.fromkeys([*(BuyerRef(identity=ref) for ref in sorted(client.identities)), *bought]))
