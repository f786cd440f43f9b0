"""Customer accounts that end. Only those that orders were placed with are our business; nobody's data is read.

What happens in the shop (source: WooCommerce's user functions and webhooks; not recorded): the account is deleted for
good, its orders stay as a guest's (`customer_id` 0). With order tables (HPOS) they count as modified, so that the sweep
reads them again; as posts they do not. `customer.deleted` is sent for accounts with the role `customer` only, and
nothing is sent for the orders.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from contracts.customers import CustomerRemoved, CustomerReturned
from contracts.envelope import Envelope
from contracts.model import Event
from contracts.shop import OrderChanged
from services.connectors.woocommerce.person import account_ref
from services.engine.outbox.decision import NOTHING, Decision, Delivery
from services.engine.outbox.failure import outcome_of
from services.engine.outbox.handlers import News, Remember
from services.engine.outbox.lane import Deliver
from services.engine.outbox.outcome import Done, Outcome
from services.engine.outbox.row import Row
from services.engine.outbox.upstream_errors import UpstreamError
from services.engine.state.records import Kind, State
from services.store_feed.hints import CUSTOMERS, Looked, unserved, wonder

READ = "customer.read"
REMOVED = Kind("customer-removed", CustomerRemoved)


def lane(shop: str) -> str:
    """The lane in which a shop's accounts are looked at: its own, so that a key without that right delays no order."""
    return f"shop.customers:{shop}"


def account_of(order: OrderChanged) -> str:
    """The account (`shop:id`) that an order names; empty for a guest's."""
    return f"{order.shop}:{order.customer_id}" if order.customer_id else ""


def let_go(before: OrderChanged | None, order: OrderChanged, state: State) -> None:
    """An order that names its account no more hints at that account: so the end of one is found without a webhook."""
    account = account_of(before) if before else ""
    if account and account != account_of(order) and state.get(REMOVED, account) is None:
        wonder([account], CUSTOMERS, state)


def _removed(envelope: Envelope[CustomerRemoved], state: State) -> None:
    state.put(REMOVED, envelope.data.key, envelope.data)


def _returned(envelope: Envelope[CustomerReturned], state: State) -> None:
    state.drop(REMOVED, envelope.data.key)


def _removal_news(event: CustomerRemoved, state: State) -> Sequence[Event]:
    return [] if state.get(REMOVED, event.key) else [event]


def _return_news(event: CustomerReturned, state: State) -> Sequence[Event]:
    return [event] if state.get(REMOVED, event.key) else []


REMEMBER: Mapping[type[Event], Remember] = {CustomerRemoved: _removed, CustomerReturned: _returned}
NEWS: Mapping[type[Event], News] = {CustomerRemoved: _removal_news, CustomerReturned: _return_news}


def decide(shops: Collection[str], account: str, state: State) -> Decision:
    """Look at the account (`shop:id`) while there is a hint that no look has served."""
    shop, _, customer_id = account.partition(":")
    hint = unserved(account, CUSTOMERS, state) if shop in shops else None
    if hint is None:
        return NOTHING
    payload = {"shop": shop, "customer": int(customer_id), "asked": hint.asked}
    key = CUSTOMERS.subject + account  # not the account alone: a dead letter's key may be the number of an order, too
    return Decision(deliveries=(Delivery(f"customer:{account}", READ, lane(shop), key, payload),))


class HasCustomers(Protocol):
    """What is asked of a shop."""

    async def has_customer(self, customer_id: int) -> bool: ...


def deliver_looks(shop: HasCustomers, clock: Callable[[], datetime]) -> Deliver:
    """Ask the shop whether accounts are there: what it answers counts, whatever the hint said."""

    async def deliver(rows: Sequence[Row]) -> Sequence[Outcome]:
        return await asyncio.gather(*[_look(row, shop, clock) for row in rows])

    return deliver


async def _look(row: Row, shop: HasCustomers, clock: Callable[[], datetime]) -> Outcome:
    name, customer_id = row.payload["shop"], row.payload["customer"]
    try:
        there = await shop.has_customer(customer_id)
    except UpstreamError as error:
        return outcome_of(error)
    about = {"shop": name, "customer_id": customer_id, "person_ref": account_ref(name, customer_id)}
    seen = {**about, "observed_at": clock()}
    fact = CustomerReturned(**seen) if there else CustomerRemoved(**seen)
    return Done((fact,), keep=((CUSTOMERS.looked, fact.key, Looked(served=row.payload["asked"])),))
