"""A refund that is deleted tells nobody: no webhook, and its order does not count as modified (API fact).

So the orders with young refunds are looked at again from time to time.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import orjson

from contracts.delivery_ids import order_key
from services.engine.outbox.engine import Engine
from services.engine.state.store import chunks, read_kind
from services.settings.model import ScheduleSettings
from services.store_feed.hints import Why, hint_at
from services.store_feed.records import REFUND


class RefundCheck:
    """Checks the refunds of one shop until cancelled."""

    def __init__(self, engine: Engine, name: str, settings: ScheduleSettings) -> None:
        self._engine, self._name = engine, name
        self._every, self._young = settings.refund_check, timedelta(days=settings.refund_check_days)

    async def run(self) -> None:
        """Rest, check, rest again."""
        while True:
            await asyncio.sleep(self._every)
            await self.once()

    async def once(self) -> int:
        """Hint at every order with a young refund; gives how many."""
        orders = await self._orders(self._engine.clock() - self._young)
        for keys in chunks(sorted(orders)):
            async with self._engine.work() as work:
                await hint_at(work, dict.fromkeys(keys, Why()))
        return len(orders)

    async def _orders(self, since: datetime) -> set[str]:
        found: set[str] = set()
        async for key, body in read_kind(self._engine.database, REFUND.name):
            shop, order_id, _ = key.split(":")
            if shop == self._name and datetime.fromisoformat(orjson.loads(body)["created_at"]) >= since:
                found.add(order_key(shop, order_id))
        return found
