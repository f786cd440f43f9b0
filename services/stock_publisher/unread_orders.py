"""Orders that the shop has taken already and that store-feed has not read yet.

WooCommerce has no conditional write: a figure that is written over such an order would offer its pieces a second time.
So the orders that changed since the last look are listed before stock is written, and what they hold counts at once, as
if store-feed had stated it: the figure that leaves has their pieces subtracted, and no write waits for an order.

An order that comes between a look and the write is found by the look that follows each write, and the product's figure
is written again.

What it costs: one list a second at most for all stock writes of a shop, with the fields alone that tell pieces. A
figure that was decided before the last look leaves at once while that is fresh; one that was decided since waits for
the next look, a second at most.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from services.engine.clock import Clock
from services.engine.outbox import outbox
from services.engine.outbox.engine import Engine
from services.engine.outbox.lane import Deliver
from services.engine.outbox.outcome import Done, Outcome, Retry
from services.engine.outbox.row import Row
from services.engine.outbox.upstream_errors import UpstreamError, outcome_of
from services.stock_publisher.order_list import ShopOrderList

# One action for all who need it, at most once in a while.


class ThrottledAction:
    """Runs `action` at most once in `every` seconds, counted from beginning to beginning."""

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
        """Whether the last run began after this moment (a timestamp), and ended less than `every` seconds ago."""
        return moment < self._covers and time.monotonic() - self._done_at < self._every

    async def wait(self) -> None:
        """Return once a run that began after this call is done; those who wait together share it.

        Raises what the action raises; then the next one who waits tries again.
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
"""Seconds between the beginnings of two looks."""
PAUSE = 5.0
"""Seconds until a shop that refuses to list its orders is asked again."""


class UnreadOrderGuard:
    """Before the stock writes of one shop."""

    def __init__(
        self, orders: ShopOrderList, clock: Clock, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._orders = orders
        self._looks = ThrottledAction(orders.take_in, EVERY, clock, sleep)
        self._written = asyncio.Event()

    async def follow(self, _: Engine) -> None:
        """A task of the service: look once more after figures were written. What fails is left to the next look."""
        while True:
            await self._written.wait()
            self._written.clear()
            try:
                await self._looks.wait()
            except UpstreamError as error:
                log.warning("orders are not looked for after a write of stock", extra={"why": error.message})

    def before(self, deliver: Deliver) -> Deliver:
        """The effect of a lane that writes stock, behind a look: what leaves is the figure as it is after it."""

        async def delivering(rows: Sequence[Row]) -> Sequence[Outcome]:
            try:
                await self._look(rows)
            except UpstreamError as error:
                return [_unseen(error)] * len(rows)
            current = await self._current(rows)
            leaving = [current[row.id] for row in rows if row.id in current]
            outcomes = dict(zip([row.id for row in leaving], await deliver(leaving), strict=True)) if leaving else {}
            if outcomes:
                self._written.set()
            return [outcomes.get(row.id, Done()) for row in rows]

        return delivering

    async def _look(self, rows: Sequence[Row]) -> None:
        async with self._orders.engine.database.read() as connection:
            decided = await outbox.last_due_at(connection, [row.id for row in rows])
        if decided is not None and not self._looks.covers(decided):
            await self._looks.wait()

    async def _current(self, rows: Sequence[Row]) -> dict[str, Row]:
        """The rows as they are wanted now; one that is not wanted any more has nothing to do."""
        async with self._orders.engine.work() as work:
            found = await outbox.select_current(work.connection, [row.id for row in rows])
            decided = await work.decisions({row.subject for row in rows})
        wanted = {delivery.id for decision in decided.values() for delivery in decision.deliveries}
        return {id_: row for id_, row in found.items() if id_ in wanted}


def _unseen(error: UpstreamError) -> Retry:
    outcome = outcome_of(error)
    return outcome if isinstance(outcome, Retry) else Retry(error.message, PAUSE)
