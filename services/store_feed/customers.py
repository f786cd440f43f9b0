"""Customer accounts that end. Only those that orders were placed with are our business; nobody's data is read.

What happens in the shop (source: WooCommerce's user functions and webhooks; not recorded): the account is deleted for
good, its orders stay as a guest's (`customer_id` 0). With order tables (HPOS) they count as modified, so that the sweep
reads them again; as posts they do not. `customer.deleted` is sent for accounts with the role `customer` only, and
nothing is sent for the orders.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from contracts.customers import CustomerRemoved, CustomerReturned
from contracts.envelope import Envelope
from contracts.model import Event
from contracts.shop import OrderChanged
from services.connectors.identity.guard import Shut, allow_always
from services.connectors.woocommerce.customers import account_ref
from services.engine.clock import next_run
from services.engine.outbox.decision import NOTHING, Decision, Delivery
from services.engine.outbox.engine import Engine
from services.engine.outbox.handlers import News, Remember
from services.engine.outbox.lane import Deliver
from services.engine.outbox.outcome import Done, Outcome
from services.engine.outbox.row import Row
from services.engine.outbox.upstream_errors import UpstreamError, outcome_of
from services.engine.state.records import Kind, State
from services.engine.state.store import chunks, read_kind, read_refs
from services.settings.model import ScheduleSettings
from services.store_feed.records import (
    CUSTOMERS,
    ORDER,
    HintSource,
    LastRead,
    pending_hint,
    request_refresh,
    request_refreshes,
)

READ = "customer.read"
REMOVED = Kind("customer-removed", CustomerRemoved)


def customer_lane_name(shop: str) -> str:
    """The lane in which a shop's accounts are looked at: its own, so that a key without that right delays no order."""
    return f"shop.customers:{shop}"


def account_key(order: OrderChanged) -> str:
    """The account (`shop:id`) that an order names; empty for a guest's."""
    return f"{order.shop}:{order.customer_id}" if order.customer_id else ""


def check_dropped_account(before: OrderChanged | None, order: OrderChanged, state: State) -> None:
    """An order that names its account no more hints at that account: so the end of one is found without a webhook."""
    account = account_key(before) if before else ""
    if account and account != account_key(order) and state.get(REMOVED, account) is None:
        request_refresh([account], CUSTOMERS, state)


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


def decide_customer(shops: Collection[str], account: str, state: State) -> Decision:
    """Look at the account (`shop:id`) while there is a hint that no look has served."""
    shop, _, customer_id = account.partition(":")
    hint = pending_hint(account, CUSTOMERS, state) if shop in shops else None
    if hint is None:
        return NOTHING
    payload = {"shop": shop, "customer": int(customer_id), "asked": hint.asked}
    key = CUSTOMERS.subject + account  # not the account alone: a dead letter's key may be the number of an order, too
    return Decision(deliveries=(Delivery(f"customer:{account}", READ, customer_lane_name(shop), key, payload),))


class CustomerLookup(Protocol):
    """What is asked of a shop."""

    async def has_customer(self, customer_id: int) -> bool: ...


def customer_deliveries(shop: CustomerLookup, clock: Callable[[], datetime]) -> Deliver:
    """Ask the shop whether accounts are there: what it answers counts, whatever the hint said."""

    async def deliver(rows: Sequence[Row]) -> Sequence[Outcome]:
        return await asyncio.gather(*[_look(row, shop, clock) for row in rows])

    return deliver


async def _look(row: Row, shop: CustomerLookup, clock: Callable[[], datetime]) -> Outcome:
    name, customer_id = row.payload["shop"], row.payload["customer"]
    try:
        there = await shop.has_customer(customer_id)
    except UpstreamError as error:
        return outcome_of(error)
    about = {"shop": name, "customer_id": customer_id, "person_ref": account_ref(name, customer_id)}
    seen = {**about, "observed_at": clock()}
    fact = CustomerReturned(**seen) if there else CustomerRemoved(**seen)
    return Done((fact,), keep=((CUSTOMERS.looked, fact.key, LastRead(served=row.payload["asked"])),))


# Once a day all accounts that orders name are looked for, a hundred with one call: no webhook tells of each end.

log = logging.getLogger(__name__)
AT_ONCE = 100
"""WooCommerce fact 31: a list has at most a hundred rows."""


class CustomerList(Protocol):
    """What is asked of a shop."""

    async def existing_customers(self, ids: Sequence[int]) -> set[int]: ...


class CustomerCheck:
    """Checks the accounts of one shop until cancelled."""

    def __init__(
        self,
        engine: Engine,
        name: str,
        shop: CustomerList,
        settings: ScheduleSettings,
        shut: Shut = allow_always,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._engine, self._name, self._shop, self._shut = engine, name, shop, shut
        self._cron, self._sleep = settings.customers, sleep

    async def run(self) -> None:
        """Wait for the schedule, check, wait again; an unavailable shop is asked the next day."""
        while True:
            now = self._engine.clock()
            await self._sleep((next_run(self._cron, now) - now).total_seconds())
            try:
                if (shut := await self._shut()) is None:
                    await self.once()
                else:
                    log.error("check of accounts waits", extra={"shop": self._name, "why": shut.why})
            except UpstreamError as error:
                log.warning("check of accounts waits", extra={"shop": self._name, "why": error.message})

    async def once(self) -> int:
        """Hint at every account that seems to have gone, or to be there again; gives how many.

        Raises `UpstreamError`; what was found before is kept.
        """
        hinted = 0
        gone = {key async for key, _ in read_kind(self._engine.database, REMOVED.name)}
        named = await read_refs(self._engine.database, ORDER.name)
        for accounts in chunks(sorted(self._own([*named, *gone])), AT_ONCE):
            there = await self._shop.existing_customers(accounts)
            keys = {self._key(one) for one in accounts if (one in there) == (self._key(one) in gone)}
            async with self._engine.work() as work:
                await request_refreshes(work, dict.fromkeys(sorted(keys), HintSource()), CUSTOMERS)
            hinted += len(keys)
        return hinted

    def _own(self, accounts: Sequence[str]) -> set[int]:
        mine = (account.partition(":") for account in accounts)
        return {int(customer_id) for shop, _, customer_id in mine if shop == self._name}

    def _key(self, customer_id: int) -> str:
        return f"{self._name}:{customer_id}"
