"""Once a day all accounts that orders name are looked for, a hundred with one call: no webhook tells of each end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from services.connectors.identity.guard import Shut, always_open
from services.engine.outbox.engine import Engine
from services.engine.outbox.upstream_errors import UpstreamError
from services.engine.runtime.cron import next_run
from services.engine.state.refs import refs_of
from services.engine.state.store import chunks, read_kind
from services.settings.model import ScheduleSettings
from services.store_feed.customers import REMOVED
from services.store_feed.hints import CUSTOMERS, Why, hint_at
from services.store_feed.records import ORDER

log = logging.getLogger(__name__)
AT_ONCE = 100
"""API fact: a list has at most a hundred rows."""


class ListsCustomers(Protocol):
    """What is asked of a shop."""

    async def customers_there(self, ids: Sequence[int]) -> set[int]: ...


class CustomerCheck:
    """Checks the accounts of one shop until cancelled."""

    def __init__(
        self,
        engine: Engine,
        name: str,
        shop: ListsCustomers,
        settings: ScheduleSettings,
        shut: Shut = always_open,
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
        named = await refs_of(self._engine.database, ORDER.name)
        for accounts in chunks(sorted(self._own([*named, *gone])), AT_ONCE):
            there = await self._shop.customers_there(accounts)
            keys = {self._key(one) for one in accounts if (one in there) == (self._key(one) in gone)}
            async with self._engine.work() as work:
                await hint_at(work, dict.fromkeys(sorted(keys), Why()), CUSTOMERS)
            hinted += len(keys)
        return hinted

    def _own(self, accounts: Sequence[str]) -> set[int]:
        mine = (account.partition(":") for account in accounts)
        return {int(customer_id) for shop, _, customer_id in mine if shop == self._name}

    def _key(self, customer_id: int) -> str:
        return f"{self._name}:{customer_id}"
