"""Orders that exist in the shop and that store-feed has not read yet.

WooCommerce has no conditional write (WooCommerce fact 23): a figure written over such an order would offer its pieces a
second time. So before stock is written, the orders that changed since the last read of the order list are listed, and
what they hold counts as if store-feed had read them. Their pieces are subtracted from the figure, and no write has to
wait for store-feed.

An order placed between the list and the write is found by the list that follows each write, and the product's figure is
then written again.

The cost is at most one list per second for all stock writes of a shop, with only the fields that matter. A figure
decided before the last list is written at once while that list is fresh; a later one waits for the next list, at most a
second.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from services.engine.clock import Clock
from services.engine.outbox import outbox
from services.engine.outbox.engine import Engine
from services.engine.outbox.lane import Deliver, Row
from services.engine.outbox.outcome import Done, Outcome, Retry
from services.engine.outbox.upstream_errors import UpstreamError, outcome_of
from services.stock_publisher.order_list import ShopOrderList


class ThrottledAction:
    """Runs `action` for all who need it, at most once in `every` seconds, counted from start to start."""

    def __init__(
        self,
        action: Callable[[], Awaitable[None]],
        every: float,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._action, self._every, self._clock, self._sleep = action, every, clock, sleep
        self._turn = asyncio.Lock()
        self._begun = self._done = 0
        self._begun_at = self._done_at = float("-inf")
        self._covers = float("-inf")

    def covers(self, moment: float) -> bool:
        """Return whether the last run began after this time (a timestamp) and ended less than `every` seconds ago."""
        return moment < self._covers and time.monotonic() - self._done_at < self._every

    async def run(self) -> None:
        """Return once a run that began after this call has finished; concurrent callers share it.

        Raises what the action raises; then the next waiting caller tries again.
        """
        begun = self._begun
        async with self._turn:
            if self._done > begun:
                return
            await self._sleep(max(0.0, self._begun_at + self._every - time.monotonic()))
            self._begun, self._begun_at, now = self._begun + 1, time.monotonic(), self._clock().timestamp()
            await self._action()
            self._done, self._done_at, self._covers = self._begun, time.monotonic(), now


log = logging.getLogger(__name__)
EVERY = 1.0
"""Seconds between the starts of two lists."""
PAUSE = 5.0
"""Seconds until a shop that refuses to list its orders is tried again."""


class UnreadOrderGuard:
    """Makes the stock writes of one shop account for unread orders."""

    def __init__(
        self, orders: ShopOrderList, clock: Clock, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._orders = orders
        self._list = ThrottledAction(orders.read_changes, EVERY, clock, sleep)
        self._written = asyncio.Event()

    async def follow(self, _: Engine) -> None:
        """A task of the service: list the orders after figures were written. If it fails, the next list covers it."""
        while True:
            await self._written.wait()
            self._written.clear()
            try:
                await self._list.run()
            except UpstreamError as error:
                log.warning("orders could not be listed after a stock write", extra={"why": error.message})

    def guard(self, deliver: Deliver) -> Deliver:
        """Return the effect of a lane that lists orders first, and then writes the figures decided with them."""

        async def list_and_deliver(rows: Sequence[Row]) -> Sequence[Outcome]:
            try:
                await self._list_for(rows)
            except UpstreamError as error:
                return [_retry(error)] * len(rows)
            current = await self._current(rows)
            to_write = [current[row.id] for row in rows if row.id in current]
            outcomes = dict(zip([row.id for row in to_write], await deliver(to_write), strict=True)) if to_write else {}
            if outcomes:
                self._written.set()
            return [outcomes.get(row.id, Done()) for row in rows]

        return list_and_deliver

    async def _list_for(self, rows: Sequence[Row]) -> None:
        async with self._orders.engine.database.read() as connection:
            decided = await outbox.last_due_at(connection, [row.id for row in rows])
        if decided is not None and not self._list.covers(decided):
            await self._list.run()

    async def _current(self, rows: Sequence[Row]) -> dict[str, Row]:
        """The rows as they are decided now, without those that are no longer needed."""
        async with self._orders.engine.work() as work:
            found = await outbox.select_current(work.connection, [row.id for row in rows])
            decided = await work.decisions({row.subject for row in rows})
        wanted = {delivery.id for decision in decided.values() for delivery in decision.deliveries}
        return {id_: row for id_, row in found.items() if id_ in wanted}


def _retry(error: UpstreamError) -> Retry:
    outcome = outcome_of(error)
    return outcome if isinstance(outcome, Retry) else Retry(error.message, PAUSE)
