"""The orders of a shop as its order list shows them: what they hold counts before store-feed has read them.

Only the pieces of a row are read; other fields do not matter.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Protocol

import orjson

from contracts.json_text import digest_of
from contracts.order_statuses import TRASH
from contracts.reasons import Reason
from services.connectors.woocommerce import php
from services.connectors.woocommerce.changes import Cursor
from services.connectors.woocommerce.read import parse_amount
from services.engine.clock import TOO_FAR, Clock
from services.engine.outbox.engine import Engine
from services.engine.state.store import chunks, read_kind
from services.settings.model import Settings
from services.stock_publisher.order_rules import apply_snapshot, remove_order, without_future_date
from services.stock_publisher.records import ORDER, unread_ref
from services.stock_publisher.shop_order import OrderedPieces, OrderSnapshot, sum_pieces


def parse_listed_order(shop: str, row: Mapping[str, Any]) -> OrderSnapshot | None:
    """Return the order of a row of the list; None for a row without an order id."""
    number = php.whole(row.get("id"))
    if not number or number < 0:
        return None
    lines, whole = _lines(row.get("line_items"))
    parent = _id(row.get("parent_id"))
    return OrderSnapshot(
        shop=shop,
        order_id=number,
        number=_word(row.get("number")) or str(number),
        status=_word(row.get("status")),
        asked=sum_pieces(lines),
        refund_ids=tuple(sorted(_refunds(row.get("refunds")))),
        parent_id=parent if parent != number else 0,
        created_via=_word(row.get("created_via")),
        paid_at=php.moment(row.get("date_paid_gmt")),
        completed_at=php.moment(row.get("date_completed_gmt")),
        modified_at=php.moment(row.get("date_modified_gmt")) or php.moment(row.get("date_created_gmt")),
        read=False,
        whole=whole,
    )


def _lines(value: Any) -> tuple[list[OrderedPieces], bool]:
    """The lines that take goods from stock, and whether all could be read."""
    entries = php.entries(value)
    found = [_line(entry) for entry in entries or ()]
    return [line for line in found if line is not None], entries is not None and None not in found


def _line(entry: Any) -> OrderedPieces | None:
    """A line; None if its pieces cannot be read. A line with a negative parse_amount takes no goods (rule 23)."""
    quantity = parse_amount(entry.get("quantity")) if isinstance(entry, Mapping) else None
    if quantity is None:
        return None
    gross = sum((parse_amount(entry.get(name)) or Decimal(0) for name in ("total", "total_tax")), Decimal(0))
    product = _id(entry.get("variation_id")) or _id(entry.get("product_id"))
    pieces = Decimal(0) if gross < 0 else quantity
    return OrderedPieces(product=product, sku=_word(entry.get("sku")), quantity=pieces)


def _refunds(value: Any) -> Iterator[int]:
    for refund in php.records(value):
        if number := php.whole(refund.get("id")):
            yield number


def _id(value: Any) -> int:
    return max(php.whole(value) or 0, 0)


def _word(value: Any) -> str:
    return (php.text(value) or "").strip()


log = logging.getLogger(__name__)
OVERLAP = timedelta(seconds=10)
"""Each read of the list overlaps the one before: orders are saved late, and the clocks of servers differ."""
AT_ONCE = 200
"""Orders stored in one transaction; the next read begins after them even if a later page fails."""
AHEAD = timedelta(seconds=5)
"""By how much the clocks of one shop's servers may differ."""
CONFIRM_INTERVAL = 600.0
"""Seconds after which unread orders are looked up by id: they may have been deleted before store-feed read them."""
SHOWN = 10
"""The number of unread orders named in one log line."""


class OrderPiecesSource(Protocol):
    """Lists the orders of a shop with the fields that matter for stock."""

    def order_pieces_changed_since(self, cursor: Cursor) -> AsyncIterator[dict[str, Any]]: ...
    async def last_order_change(self) -> datetime | None: ...
    async def orders_by_id(self, ids: Iterable[int]) -> list[dict[str, Any]]: ...

    @property
    def time(self) -> datetime | None: ...


class ShopOrderList:
    """Reads what a shop has sold since the last read, by the shop's own times.

    An order dated in the future does not advance the cursor: the next read would miss others. `back` is how long
    store-feed normally takes to read an order: the first read begins earlier by that time.
    """

    def __init__(self, settings: Settings, name: str, shop: OrderPiecesSource, back: timedelta, clock: Clock) -> None:
        self._settings, self._name, self._shop, self._back, self._clock = settings, name, shop, back, clock
        self._engine: Engine | None = None
        self._cursor: Cursor | None = None
        self._recent: dict[int, tuple[datetime | None, str]] = {}
        self._unread: frozenset[str] = frozenset()
        self._confirmed_at = float("-inf")

    async def attach(self, engine: Engine) -> None:
        """A task of the service that provides its engine, and with it the orders known so far."""
        self._engine = engine

    @property
    def engine(self) -> Engine:
        """The engine of the service."""
        if self._engine is None:
            raise RuntimeError("a lane was opened before its order list was attached to the engine")
        return self._engine

    async def read_changes(self) -> None:
        """Store the orders that changed since the last read. Raises `UpstreamError`."""
        if self._cursor is None and (start := await self._start()) is not None:
            self._cursor = Cursor(start, OVERLAP)
        if self._cursor is not None:
            await self._read_from(self._cursor)
            await self._confirm_unread()

    async def _start(self) -> datetime | None:
        """A time before the last change in the shop and before the newest known order; None for a shop without orders.

        An order that changed longer ago than `stock.in_flight_days` holds nothing.
        """
        last = await self._shop.last_order_change()
        if last is None:
            return None
        last = min(last, self._now())
        oldest = last - timedelta(days=self._settings.shops[self._name].stock.in_flight_days)
        return max(oldest, min(last, await self._newest_read() or last) - self._back)

    def _now(self) -> datetime:
        """The shop's time from its last answer plus a tolerance; our own time where answers have none.

        A shop whose clock is more than a day ahead is not followed: its latest orders are read more than once then.
        """
        ours = self._clock()
        return min(self._shop.time or ours, ours + TOO_FAR) + AHEAD

    async def _newest_read(self) -> datetime | None:
        newest: datetime | None = None
        async for key, body in read_kind(self.engine.database, ORDER.name):
            order = orjson.loads(body)
            if key.startswith(f"{self._name}:") and order["read"] and order["modified_at"]:
                at = datetime.fromisoformat(order["modified_at"])
                newest = at if newest is None else max(newest, at)
        return newest

    async def _read_from(self, cursor: Cursor) -> None:
        some: dict[int, tuple[OrderSnapshot, str]] = {}
        async for row in self._shop.order_pieces_changed_since(cursor):
            order, digest = parse_listed_order(self._name, row), digest_of(row)
            if order is None:
                log.warning("a row of the order list has no order id", extra={"shop": self._name})
            elif digest != self._recent.get(order.order_id, (None, ""))[1]:
                some[order.order_id] = (order, digest)
            if len(some) >= AT_ONCE:
                await self._remember(some)
                some = {}
        await self._remember(some)
        self._forget_old()

    async def _remember(self, orders: Mapping[int, tuple[OrderSnapshot, str]]) -> None:
        """Store what these orders hold; the next read begins after them."""
        if not orders:
            return
        async with self.engine.work() as work:
            dated = [without_future_date(order, self._now()) for order, _ in orders.values()]
            await work.run([partial(apply_snapshot, self._settings, order) for order in dated])
        self._recent |= {number: (order.modified_at, digest) for number, (order, digest) in orders.items()}
        passed = [at for order, _ in orders.values() if (at := order.modified_at) and at <= self._now()]
        if self._cursor is not None and passed:
            self._cursor = self._cursor.moved_to(max(passed))

    def _forget_old(self) -> None:
        """Forget digests of orders that the next read will not list again."""
        start = self._cursor.start - OVERLAP if self._cursor else None
        recent = self._recent.items()
        self._recent = {number: one for number, one in recent if start is None or one[0] is None or one[0] >= start}

    async def _confirm_unread(self) -> None:
        """Report orders that store-feed has not read for long, and drop those that no longer exist in the shop."""
        if time.monotonic() - self._confirmed_at < CONFIRM_INTERVAL:
            return
        async with self.engine.work() as work:
            unread = (await work.find_many(ORDER, [unread_ref(self._name)]))[unread_ref(self._name)]
        late = {key: order.order_id for key, order in unread.items() if key in self._unread}
        existing = await self._existing(list(late.values()))
        gone = [key for key, number in late.items() if number not in existing]
        async with self.engine.work() as work:
            await work.run([partial(remove_order, self._settings, key) for key in gone])
        self._unread, self._confirmed_at = frozenset(unread) - set(gone), time.monotonic()
        if waiting := sorted(late.keys() - set(gone)):
            log.warning("orders are unread", extra={"reason": Reason.STOCK_ORDER_UNREAD, "orders": waiting[:SHOWN]})

    async def _existing(self, orders: Sequence[int]) -> set[int | None]:
        found: set[int | None] = set()
        for some in chunks(orders, 100):
            rows = await self._shop.orders_by_id(some)
            found |= {php.whole(row.get("id")) for row in rows if row.get("status") != TRASH}
        return found
