"""Collect what the topics contain about the clients of orders. Their names are only in Balance."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Sequence
from dataclasses import dataclass, field

from contracts.clients import ClientAssigned, ContactsConflicted, ContactSettled, ContactsMerged
from contracts.customers import CustomerRemoved, CustomerReturned
from contracts.envelope import Envelope
from contracts.ledger import ClientRecorded, SaleRecorded
from contracts.model import Event
from contracts.shop import OrderChanged
from services.accounting.documents.identity import identity_of
from services.engine.client.reader import read_events
from services.engine.clock import TBILISI
from services.settings.model import Settings

TOPICS = ("ledger.documents", "commands", "operations", "shop.orders", "shop.customers")
RETAIL = "retail client"
CLIENT_KEPT = "the client and its documents remain in Balance"


@dataclass(slots=True)
class ShopAccounts:
    """The accounts of each order, and the deleted accounts (claim S2.16).

    An order may have several: when an account is deleted, the shop turns its orders into guest orders.
    """

    of_order: dict[int, set[int]] = field(default_factory=dict)
    removed: dict[int, CustomerRemoved] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Update the accounts with an event."""
        match event:
            case OrderChanged():
                self.of_order.setdefault(event.order_id, set()).add(event.customer_id)
            case CustomerRemoved():
                self.removed[event.customer_id] = event
            case CustomerReturned():
                self.removed.pop(event.customer_id, None)

    def removed_accounts(self, orders: Iterable[int]) -> list[CustomerRemoved]:
        """The deleted accounts of these orders, by account number."""
        accounts = {account for order in orders for account in self.of_order.get(order, ())}
        return [self.removed[account] for account in sorted(accounts & self.removed.keys())]


def describe_removed_account(event: CustomerRemoved) -> str:
    """A sentence for people: the account is deleted, which does not affect the books."""
    return f"account {event.customer_id} deleted in the shop, seen on {_day(event)}; {CLIENT_KEPT}"


def removed_account_to_dict(event: CustomerRemoved) -> dict[str, object]:
    """A deleted account for `--json`."""
    return {"customer": event.customer_id, "seen_on": _day(event)}


def _day(event: CustomerRemoved) -> str:
    return f"{event.observed_at.astimezone(TBILISI):%Y-%m-%d}"


class ClientNotFound(Exception):
    """No client or buyer, or more than one, has this name; the message states where to look."""


@dataclass(slots=True)
class ClientHistory:
    """A client of Balance: how it was found, the orders booked on it, and the assignments by people."""

    uid: str
    code: str | None = None
    how: str = ""
    details: list[str] = field(default_factory=list)
    orders: list[int] = field(default_factory=list)
    identities: set[str] = field(default_factory=set)
    assignments: list[ClientAssigned] = field(default_factory=list)


@dataclass(slots=True)
class ClientFacts:
    """The clients of a shop by uid, its orders, and open conflicts of contacts by client and field."""

    shop: str
    clients: dict[str, ClientHistory] = field(default_factory=dict)
    orders: dict[int, OrderChanged] = field(default_factory=dict)
    assigned: dict[str, ClientAssigned] = field(default_factory=dict)
    conflicts: dict[tuple[str, str], ContactsConflicted] = field(default_factory=dict)
    settled: dict[tuple[str, str], ContactSettled] = field(default_factory=dict)
    accounts: ShopAccounts = field(default_factory=ShopAccounts)

    def client(self, uid: str) -> ClientHistory:
        """The client with this uid, added if it is new."""
        return self.clients.setdefault(uid, ClientHistory(uid))

    def find(self, name: str) -> ClientHistory:
        """The client with this uid (or its first characters) or code. Raises `ClientNotFound`."""
        found = [one for one in self.clients.values() if one.uid.startswith(name.lower()) or one.code == name]
        if len(found) != 1:
            raise ClientNotFound(f"{len(found)} clients match {name}; see davtari clients list --shop {self.shop}")
        return found[0]

    def removed_accounts(self, client: ClientHistory) -> list[CustomerRemoved]:
        """The deleted accounts of the buyers of a client; none for the retail client, which has many buyers."""
        return [] if client.how == RETAIL else self.accounts.removed_accounts(client.orders)


async def read_clients(settings: Settings, shop: str) -> ClientFacts:
    """Read the clients of a shop from the topics."""
    found = collect_clients(shop, [envelope async for envelope in _filter_shop(read_events(settings, TOPICS), shop)])
    if (retail := settings.shops[shop].orders.retail_client) and retail in found.clients:
        found.clients[retail].how = RETAIL
    return found


async def _filter_shop(envelopes: AsyncIterable[Envelope[Event]], shop: str) -> AsyncIterable[Envelope[Event]]:
    async for envelope in envelopes:
        if getattr(envelope.data, "shop", None) == shop:
            yield envelope


def collect_clients(shop: str, envelopes: Iterable[Envelope[Event]]) -> ClientFacts:
    """Collect the clients from the events of a shop, in the order of their time."""
    found = ClientFacts(shop)
    for envelope in sorted(envelopes, key=lambda envelope: envelope.time):
        _apply(found, envelope.data)
    return found


def _apply(found: ClientFacts, event: Event) -> None:
    found.accounts.apply(event)
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


def _apply_assigned(found: ClientFacts, event: ClientAssigned) -> None:
    for ref in (event.identity, event.person_ref):
        if ref:
            found.assigned[ref] = event
    if event.client:
        found.client(event.client).assignments.append(event)


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
    """A buyer: an identity (a number), or a person without one."""

    identity: str | None = None
    person_ref: str | None = None


def find_order_buyer(found: ClientFacts, order_id: int) -> Sequence[BuyerRef]:
    """The buyer of an order. Raises `ClientNotFound`."""
    order = found.orders.get(order_id)
    if order is None:
        raise ClientNotFound(f"Unknown order {order_id} of shop {found.shop}")
    return [buyer_ref(order)]


def buyer_ref(order: OrderChanged) -> BuyerRef:
    """The identity of an order's buyer, or the person if the order has no number."""
    identity = identity_of(order.person)
    return BuyerRef(identity=identity.ref) if identity else BuyerRef(person_ref=order.person_ref)


def find_client_buyers(found: ClientFacts, client: ClientHistory) -> Sequence[BuyerRef]:
    """All buyers whose orders were booked on a client so far."""
    bought = [buyer_ref(found.orders[order]) for order in client.orders if order in found.orders]
    return list(dict.fromkeys([*(BuyerRef(identity=ref) for ref in sorted(client.identities)), *bought]))
