"""Deleted customer accounts. Only accounts of known orders are checked, and no personal data is read.

An account is deleted permanently, and its orders become orders of guests (WooCommerce fact 84). Not every deletion
sends a webhook, so all accounts of known orders are checked once a day, a hundred with each request.
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
from services.engine.outbox.lane import Deliver, Row
from services.engine.outbox.outcome import Done, Outcome
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
    """Return the lane that reads a shop's accounts. It is separate: a key without that permission delays no order."""
    return f"shop.customers:{shop}"


def account_key(order: OrderChanged) -> str:
    """Return the account (`shop:id`) of an order; empty for a guest's order."""
    return f"{order.shop}:{order.customer_id}" if order.customer_id else ""


def check_dropped_account(before: OrderChanged | None, order: OrderChanged, state: State) -> None:
    """Check the account of an order that no longer names it: a deletion is noticed without a webhook."""
    account = account_key(before) if before else ""
    if account and account != account_key(order) and state.get(REMOVED, account) is None:
        request_refresh([account], CUSTOMERS, state)


def _on_removed(envelope: Envelope[CustomerRemoved], state: State) -> None:
    state.put(REMOVED, envelope.data.key, envelope.data)


def _on_returned(envelope: Envelope[CustomerReturned], state: State) -> None:
    state.drop(REMOVED, envelope.data.key)


def _removal_news(event: CustomerRemoved, state: State) -> Sequence[Event]:
    return [] if state.get(REMOVED, event.key) else [event]


def _return_news(event: CustomerReturned, state: State) -> Sequence[Event]:
    return [event] if state.get(REMOVED, event.key) else []


REMEMBER: Mapping[type[Event], Remember] = {CustomerRemoved: _on_removed, CustomerReturned: _on_returned}
NEWS: Mapping[type[Event], News] = {CustomerRemoved: _removal_news, CustomerReturned: _return_news}


def decide_customer(shops: Collection[str], account: str, state: State) -> Decision:
    """Read the account (`shop:id`) while a hint about it is pending."""
    shop, _, customer_id = account.partition(":")
    hint = pending_hint(account, CUSTOMERS, state) if shop in shops else None
    if hint is None:
        return NOTHING
    payload = {"shop": shop, "customer": int(customer_id), "asked": hint.asked}
    key = CUSTOMERS.subject + account  # not the account alone, which could be mistaken for the key of an order
    return Decision(deliveries=(Delivery(f"customer:{account}", READ, customer_lane_name(shop), key, payload),))


class CustomerLookup(Protocol):
    """Looks up a customer of a shop."""

    async def has_customer(self, customer_id: int) -> bool: ...


def customer_deliveries(shop: CustomerLookup, clock: Callable[[], datetime]) -> Deliver:
    """Return the effect that checks whether accounts exist; only the shop's answer counts, not the hint."""

    async def deliver(rows: Sequence[Row]) -> Sequence[Outcome]:
        return await asyncio.gather(*[_check(row, shop, clock) for row in rows])

    return deliver


async def _check(row: Row, shop: CustomerLookup, clock: Callable[[], datetime]) -> Outcome:
    name, customer_id = row.payload["shop"], row.payload["customer"]
    try:
        exists = await shop.has_customer(customer_id)
    except UpstreamError as error:
        return outcome_of(error)
    about = {"shop": name, "customer_id": customer_id, "person_ref": account_ref(name, customer_id)}
    observed = {**about, "observed_at": clock()}
    fact = CustomerReturned(**observed) if exists else CustomerRemoved(**observed)
    return Done((fact,), keep=((CUSTOMERS.looked, fact.key, LastRead(served=row.payload["asked"])),))


log = logging.getLogger(__name__)
AT_ONCE = 100
"""The largest page of a list (WooCommerce fact 31)."""


class CustomerList(Protocol):
    """Lists which customers of a shop exist."""

    async def existing_customers(self, ids: Sequence[int]) -> set[int]: ...


class CustomerCheck:
    """Checks the accounts of one shop, on a schedule, until cancelled."""

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
        """Wait for the schedule, check, and repeat; an unavailable shop is checked the next day."""
        while True:
            now = self._engine.clock()
            await self._sleep((next_run(self._cron, now) - now).total_seconds())
            try:
                if (shut := await self._shut()) is None:
                    await self.once()
                else:
                    log.error("account check postponed", extra={"shop": self._name, "why": shut.why})
            except UpstreamError as error:
                log.warning("account check postponed", extra={"shop": self._name, "why": error.message})

    async def once(self) -> int:
        """Request a read of every account that was deleted or exists again. Returns how many.

        Raises `UpstreamError`; what was found before is kept.
        """
        hinted = 0
        gone = {key async for key, _ in read_kind(self._engine.database, REMOVED.name)}
        of_orders = await read_refs(self._engine.database, ORDER.name)
        for accounts in chunks(sorted(self._own([*of_orders, *gone])), AT_ONCE):
            existing = await self._shop.existing_customers(accounts)
            keys = {self._key(account) for account in accounts if (account in existing) == (self._key(account) in gone)}
            async with self._engine.work() as work:
                await request_refreshes(work, dict.fromkeys(sorted(keys), HintSource()), CUSTOMERS)
            hinted += len(keys)
        return hinted

    def _own(self, accounts: Sequence[str]) -> set[int]:
        parts = (account.partition(":") for account in accounts)
        return {int(customer_id) for shop, _, customer_id in parts if shop == self._name}

    def _key(self, customer_id: int) -> str:
        return f"{self._name}:{customer_id}"
