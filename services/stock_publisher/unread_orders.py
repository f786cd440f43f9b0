"""Orders that the shop has taken already and that store-feed has not read yet.

WooCommerce has no conditional write: a figure that is written over such an order would offer its pieces a second time.
So the orders that changed since the last look are listed before stock is written, and what they hold counts at once, as
if store-feed had stated it: the figure that leaves has their pieces subtracted, and no write waits for an order.

What it costs: one list a second at most for all stock writes of a shop, with the fields alone that tell pieces.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from services.shared.delivery import outbox
from services.shared.delivery.failure import outcome_of
from services.shared.delivery.lane import Deliver
from services.shared.delivery.outcome import Done, Outcome, Retry
from services.shared.delivery.row import Row
from services.shared.upstream.errors import UpstreamError
from services.stock_publisher.order_list import OrderList
from services.stock_publisher.pace import Pace

EVERY = 1.0
"""Seconds between the beginnings of two looks."""
PAUSE = 5.0
"""Seconds until a shop that refuses to list its orders is asked again."""


class UnreadOrders:
    """Before the stock writes of one shop."""

    def __init__(self, orders: OrderList, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._orders = orders
        self._look = Pace(orders.take_in, EVERY, sleep)

    def before(self, deliver: Deliver) -> Deliver:
        """The effect of a lane that writes stock, behind a look: what leaves is the figure as it is after it."""

        async def delivering(rows: Sequence[Row]) -> Sequence[Outcome]:
            try:
                await self._look.wait()
            except UpstreamError as error:
                return [_unseen(error)] * len(rows)
            current = await self._current(rows)
            leaving = [current[row.id] for row in rows if row.id in current]
            outcomes = dict(zip([row.id for row in leaving], await deliver(leaving), strict=True)) if leaving else {}
            return [outcomes.get(row.id, Done()) for row in rows]

        return delivering

    async def _current(self, rows: Sequence[Row]) -> dict[str, Row]:
        """The rows as they are wanted now; one that is not wanted any more has nothing to do."""
        async with self._orders.engine.work() as work:
            found = await outbox.current(work.connection, [row.id for row in rows])
            decided = await work.decisions({row.subject for row in rows})
        wanted = {delivery.id for decision in decided.values() for delivery in decision.deliveries}
        return {id_: row for id_, row in found.items() if id_ in wanted}


def _unseen(error: UpstreamError) -> Retry:
    outcome = outcome_of(error)
    return outcome if isinstance(outcome, Retry) else Retry(error.message, PAUSE)
