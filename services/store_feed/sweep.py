"""The sweep: polling finds what webhooks missed. Its cursor only advances with what is stored durably.

The deletion of a refund sends no webhook and does not change its order's modification time (WooCommerce fact 57), so
orders with recent refunds are read again from time to time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

import orjson

from contracts.delivery_ids import order_key
from contracts.json_text import digest_of
from contracts.order_statuses import DRAFT_STATUSES
from contracts.reasons import Reason
from contracts.shop import OrderUnreadable
from services.connectors.identity.guard import Shut, allow_always
from services.connectors.woocommerce import php
from services.connectors.woocommerce.changes import Cursor
from services.connectors.woocommerce.orders import read_modified_at
from services.connectors.woocommerce.pages import OnSkipped, SkippedRecord
from services.engine.outbox.engine import Engine
from services.engine.outbox.faults import Fault, report_fault
from services.engine.outbox.upstream_errors import UpstreamError
from services.engine.outbox.work import Work
from services.engine.person_ids import personal_digest
from services.engine.state.store import chunks, read_kind
from services.engine.telemetry.metrics import SWEPT_LATE
from services.engine.telemetry.state_readings import record_completion
from services.settings.model import ScheduleSettings
from services.store_feed.order_reader import listed_state
from services.store_feed.records import (
    HINT,
    LAST_READ,
    ORDER,
    REFUND,
    SWEPT,
    HintSource,
    SweepCursor,
    request_refreshes,
)


async def report_skipped(work: Work, shop: str, left_out: Sequence[SkippedRecord]) -> None:
    """Report orders that the list skipped: those the shop fails on, and rows without an order id.

    Each is reported once. An order with an id is read alone: if that succeeds, its dead letter closes by itself.
    """
    with_id = {one.id: one for one in left_out if one.id is not None and one.id > 0}
    await work.announce([(_unreadable(work, shop, id_, one), None) for id_, one in with_id.items()])
    await request_refreshes(work, {order_key(shop, id_): HintSource() for id_ in with_id})
    for why in sorted({one.why for one in left_out if one.id not in with_id}):
        report_fault(work, _subject(shop, why), _nameless(shop, why))


def _unreadable(work: Work, shop: str, id_: int, one: SkippedRecord) -> OrderUnreadable:
    detail = f"shop {shop}: order {id_} was left out of the order list: {one.why}"
    reason = Reason.SHOP_RECORD_UNREADABLE
    return OrderUnreadable(shop=shop, order_id=id_, reason=reason, detail=detail, observed_at=work.now)


def _subject(shop: str, why: str) -> str:
    """The subject of a fault: it has no colon, and is the same for the same fault."""
    return f"order list of {shop} {digest_of(why)[:8]}"


def _nameless(shop: str, why: str) -> Fault:
    detail = (
        f"shop {shop}: the order list contains a row without an order id: {why}. All other orders are read. Find the "
        "plugin that changes the answers of /wp-json/wc/v3/orders, then replay this: it opens again only if such a row "
        "occurs again"
    )
    return Fault(reason=Reason.SHOP_BAD_ANSWER, detail=detail)


log = logging.getLogger(__name__)
AT_ONCE = 200
CLOCKS = timedelta(minutes=15)
"""By how much a shop's clock may lag behind ours: the very first sweep begins earlier by this time."""
REBUILT = timedelta(days=1)
"""A rebuilt database does not know pending hints; its first sweep covers this period again."""


class ListedOrder(NamedTuple):
    """An order in the list: `shop:id`, when it changed (None: unreadable), and the digest of its state."""

    key: str
    modified_at: datetime | None
    placed: bool
    digest: str
    json: dict[str, Any]


class OrderChangesSource(Protocol):
    """Lists the orders of a shop that changed."""

    def orders_changed_since(self, cursor: Cursor, *, skip: OnSkipped = ...) -> AsyncIterator[dict[str, Any]]: ...


class OrderSweep:
    """Sweeps one shop until cancelled."""

    def __init__(
        self, engine: Engine, name: str, shop: OrderChangesSource, settings: ScheduleSettings, shut: Shut = allow_always
    ) -> None:
        self._engine, self._name, self._shop, self._settings = engine, name, shop, settings
        self._shut = shut

    async def run(self) -> None:
        """Sweep, sleep, and repeat; an unavailable shop is tried again next time."""
        while True:
            try:
                await self._sweep_recognized()
            except UpstreamError as error:
                log.warning("sweep postponed", extra={"shop": self._name, "why": error.message})
            await asyncio.sleep(self._settings.sweep)

    async def _sweep_recognized(self) -> None:
        """Sweep unless another shop answers: its orders must not advance the cursor."""
        if (shut := await self._shut()) is not None:
            log.error("sweep postponed", extra={"shop": self._name, "why": shut.why})
            return
        await self.once()
        await record_completion(self._engine.database, f"orders:{self._name}", self._engine.clock())

    async def once(self) -> int:
        """Request a read of every order that changed since the cursor and was not read since. Returns how many.

        What was found before a page fails is kept, and orders that the list skips are reported. Raises
        `UpstreamError`.
        """
        cursor, hinted, left_out = await self._cursor(), 0, list[SkippedRecord]()
        async for orders in self._changed(cursor, left_out):
            async with self._engine.work() as work:
                found = await self._hint(work, orders)
                cursor = cursor.moved_to(min(_last(orders) or cursor.at, work.now))
                work.put(SWEPT, self._name, SweepCursor(modified_at=cursor.at))
            hinted += found
            SWEPT_LATE.labels(self._name).inc(found)
        if left_out:
            async with self._engine.work() as work:
                await report_skipped(work, self._name, left_out)
        return hinted

    async def _changed(self, cursor: Cursor, left_out: list[SkippedRecord]) -> AsyncIterator[list[ListedOrder]]:
        orders: list[ListedOrder] = []
        async for order in self._shop.orders_changed_since(cursor, skip=left_out.append):
            orders.append(_seen(self._name, order))
            if len(orders) >= AT_ONCE:
                yield orders
                orders = []
        if orders:
            yield orders

    async def _hint(self, work: Work, orders: Sequence[ListedOrder]) -> int:
        """A state that was read, or hinted at by an earlier sweep, is not hinted at again."""
        placed = {order.key: order for order in orders if order.placed}
        looked, hinted = await work.get_many(LAST_READ, placed), await work.get_many(HINT, placed)
        known = {(key, one.digest) for found in (looked, hinted) for key, one in found.items()}
        new = {key: order for key, order in placed.items() if (key, order.digest) not in known}
        shown = {key: listed_state(self._name, order.json, work.now) for key, order in new.items()}
        unseen = {key: HintSource(digest=order.digest, shown=shown[key]) for key, order in new.items()}
        await request_refreshes(work, unseen)
        return len(unseen)

    async def _cursor(self) -> Cursor:
        """Where the last sweep ended; after a rebuild, before the newest known order; at first contact, now."""
        async with self._engine.work() as work:
            swept = (await work.get_many(SWEPT, [self._name])).get(self._name)
            if swept is None:
                swept = SweepCursor(modified_at=await self._beginning(work.now))
                work.put(SWEPT, self._name, swept)
        return Cursor(swept.modified_at, timedelta(seconds=self._settings.sweep_overlap))

    async def _beginning(self, now: datetime) -> datetime:
        newest: datetime | None = None
        async for key, body in read_kind(self._engine.database, ORDER.name):
            if key.startswith(f"{self._name}:"):
                at = datetime.fromisoformat(orjson.loads(body)["modified_at"])
                newest = at if newest is None else max(newest, at)
        return now - CLOCKS if newest is None else min(newest, now) - REBUILT


def _seen(shop: str, order: dict[str, Any]) -> ListedOrder:
    placed = str(order.get("status")) not in DRAFT_STATUSES
    return ListedOrder(f"{shop}:{php.id_of(order)}", read_modified_at(order), placed, personal_digest(order), order)


def _last(orders: Sequence[ListedOrder]) -> datetime | None:
    """The latest change among orders in the order of their changes."""
    return next((order.modified_at for order in reversed(orders) if order.modified_at), None)


class RefundCheck:
    """Requests reads of the orders of one shop with recent refunds until cancelled."""

    def __init__(self, engine: Engine, name: str, settings: ScheduleSettings) -> None:
        self._engine, self._name = engine, name
        self._every, self._young = settings.refund_check, timedelta(days=settings.refund_check_days)

    async def run(self) -> None:
        """Sleep, check, and repeat."""
        while True:
            await asyncio.sleep(self._every)
            await self.once()

    async def once(self) -> int:
        """Request a read of every order with a recent refund. Returns how many."""
        orders = await self._orders(self._engine.clock() - self._young)
        for keys in chunks(sorted(orders)):
            async with self._engine.work() as work:
                await request_refreshes(work, dict.fromkeys(keys, HintSource()))
        return len(orders)

    async def _orders(self, since: datetime) -> set[str]:
        found: set[str] = set()
        async for key, body in read_kind(self._engine.database, REFUND.name):
            shop, order_id, _ = key.split(":")
            if shop == self._name and datetime.fromisoformat(orjson.loads(body)["created_at"]) >= since:
                found.add(order_key(shop, order_id))
        return found
