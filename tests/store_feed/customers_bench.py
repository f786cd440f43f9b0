"""Customer accounts of the shop, and what store-feed says of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.customers import CustomerRemoved, CustomerReturned
from contracts.model import Event
from services.engine.outbox.outcome import Retry
from services.sandbox.woocommerce.customers import Customers
from services.store_feed import customers
from services.store_feed.customers import CustomerCheck
from tests.store_feed.shop_bench import MAIN, Intake, Store

AccountEvents = list[tuple[type[Event], int]]


def account(store: Store, **fields: Any) -> int:
    """Somebody has an account; gives its number."""
    made = Customers(store.shop).create({"email": "nino@example.test"} | fields, strict=True)
    return int(made["id"])


def ended(store: Store, customer_id: int) -> None:
    """Somebody deletes the account, a second later."""
    store.passes(seconds=1)
    Customers(store.shop).delete(customer_id, force=True)


async def asked(store: Store) -> AccountEvents:
    """Request every hinted account from the shop; returns the events published."""
    deliver = customers.customer_deliveries(store.woocommerce, store.clock)
    while rows := await store.engine.claim(customers.customer_lane_name(MAIN), 50, ()):
        outcomes = await deliver(rows)
        assert not [outcome for outcome in outcomes if isinstance(outcome, Retry)], "the shop is not available"
        await store.engine.settle(list(zip(rows, outcomes, strict=True)))
    return published(await store.ledger.news())


def published(events: Sequence[Event]) -> AccountEvents:
    """The events about accounts."""
    return [(type(e), e.customer_id) for e in events if isinstance(e, CustomerRemoved | CustomerReturned)]


async def reported(store: Store, taken: Intake) -> AccountEvents:
    """Take the shop's webhooks and request the accounts; returns the events published."""
    await store.delivers(taken.receiver)
    await taken.hints(store.engine)
    return await asked(store)


async def checked(store: Store) -> AccountEvents:
    """Run the daily check; returns the events published."""
    store.passes(seconds=1)
    await CustomerCheck(store.engine, MAIN, store.woocommerce, store.schedule).once()
    return await asked(store)


def calls(store: Store) -> list[str]:
    """The paths of the calls about accounts."""
    return [entry.path for entry in store.faults.journal.entries if "/customers" in entry.path]
