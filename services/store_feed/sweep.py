"""The sweep: polling finds whatever webhooks missed. Its cursor moves only with what is durable."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import orjson

from services.shared.delivery.engine import Engine
from services.shared.delivery.work import Work
from services.shared.settings.model import ScheduleSettings
from services.shared.state.store import chunks, read_kind
from services.shared.upstream.errors import UpstreamError
from services.shared.woocommerce.cursor import Cursor
from services.shared.woocommerce.times import instant
from services.store_feed.handlers import HINT, LOOKED, ORDER, SWEPT, Hint, Swept, moment

log = logging.getLogger(__name__)


class ListsOrders(Protocol):
    """What the sweep reads of a shop."""

    def orders_changed_since(self, cursor: Cursor) -> AsyncIterator[dict[str, Any]]: ...


class Sweep:
    """Sweeps one shop until cancelled."""

    def __init__(self, engine: Engine, name: str, shop: ListsOrders, settings: ScheduleSettings) -> None:
        self._engine, self._name, self._shop, self._settings = engine, name, shop, settings

    async def run(self) -> None:
        """Sweep, rest, sweep again; an unavailable shop is tried again at the next turn."""
        while True:
            try:
                await self.once()
            except UpstreamError as error:
                log.warning("sweep waits", extra={"shop": self._name, "why": error.message})
            await asyncio.sleep(self._settings.sweep)

    async def once(self) -> int:
        """Hint at every order that changed since the cursor and was not looked at since; gives how many."""
        cursor, hinted = await self._cursor(), 0
        listed = [order async for order in self._shop.orders_changed_since(cursor)]
        for orders in chunks(listed):
            async with self._engine.work() as work:
                hinted += await self._hint(work, orders)
        return hinted

    async def _hint(self, work: Work, orders: Sequence[dict[str, Any]]) -> int:
        stamps = {f"{self._name}:{order['id']}": instant(order["date_modified_gmt"]) for order in orders}
        looked = await work.get_many(LOOKED, stamps)
        unseen = [key for key, at in stamps.items() if key not in looked or looked[key].modified_at != at]
        for key in unseen:
            work.put(HINT, key, Hint(asked=moment(work.now)))
            work.touch(key)
        work.put(SWEPT, self._name, Swept(modified_at=max(stamps.values())))
        return len(unseen)

    async def _cursor(self) -> Cursor:
        """Where the last sweep ended; after a rebuild the newest order known; at first contact, now."""
        overlap = timedelta(seconds=self._settings.sweep_overlap)
        async with self._engine.work() as work:
            swept = (await work.get_many(SWEPT, [self._name])).get(self._name)
            if swept is None:
                swept = Swept(modified_at=await self._newest() or work.now)
                work.put(SWEPT, self._name, swept)
        return Cursor(swept.modified_at, overlap)

    async def _newest(self) -> datetime | None:
        newest: datetime | None = None
        async for key, body in read_kind(self._engine.database, ORDER.name):
            if key.startswith(f"{self._name}:"):
                at = datetime.fromisoformat(orjson.loads(body)["modified_at"])
                newest = at if newest is None else max(newest, at)
        return newest
