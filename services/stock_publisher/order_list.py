"""The orders of a shop as its list shows them, from where the last look ended: what they hold counts at once."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Protocol

import orjson

from contracts.order_statuses import TRASH
from contracts.reasons import Reason
from services.accounting.documents.digest import digest_of
from services.connectors.woocommerce import php
from services.connectors.woocommerce.cursor import Cursor
from services.connectors.woocommerce.read import amount
from services.engine.clock import Clock
from services.engine.outbox.engine import Engine
from services.engine.state.store import chunks, read_kind
from services.settings.model import Settings
from services.stock_publisher.order_rules import apply_snapshot, remove_order
from services.stock_publisher.records import ORDER, unread_ref
from services.stock_publisher.shop_order import OrderedPieces, OrderSnapshot, sum_pieces

# Orders as the shop's list shows them, read for their pieces alone: whatever else stands in a row does not matter.


def parse_listed_order(shop: str, row: Mapping[str, Any]) -> OrderSnapshot | None:
    """An order from a row of the list; None for a row that names no order."""
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
    """The lines that take goods, and whether all could be read."""
    entries = php.entries(value)
    found = [_line(entry) for entry in entries or ()]
    return [line for line in found if line is not None], entries is not None and None not in found


def _line(entry: Any) -> OrderedPieces | None:
    """A line; None where its pieces cannot be read. One with a negative amount takes no goods."""
    quantity = amount(entry.get("quantity")) if isinstance(entry, Mapping) else None
    if quantity is None:
        return None
    negative = any((amount(entry.get(name)) or 0) < 0 for name in ("subtotal", "total"))
    product = _id(entry.get("variation_id")) or _id(entry.get("product_id"))
    pieces = Decimal(0) if negative else quantity
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
"""Each look begins so much before the end of the last: orders are saved late, and servers' clocks differ."""
AT_ONCE = 200
"""So many orders are remembered in one transaction; the next look begins behind them even if a later page fails."""
AHEAD = timedelta(seconds=5)
"""By how much the clocks of one shop's servers may differ."""
LONG = 600.0
"""Seconds after which orders that were not read are asked for: they may have been deleted before anyone read them."""
SHOWN = 10
"""So many of them are named."""


class OrderPiecesSource(Protocol):
    """What is read of a shop."""

    def order_pieces_changed_since(self, cursor: Cursor) -> AsyncIterator[dict[str, Any]]: ...
    async def last_order_change(self) -> datetime | None: ...
    async def orders_by_id(self, ids: Iterable[int]) -> list[dict[str, Any]]: ...

    @property
    def time(self) -> datetime | None: ...


class ShopOrderList:
    """Takes in what a shop has sold since the last look, by the shop's own times.

    An order that is dated in the future does not move the place where the next look begins: it would hide others.
    `back` is how long an order may stay unread by store-feed when all goes well: the first look begins so much earlier.
    """

    def __init__(self, settings: Settings, name: str, shop: OrderPiecesSource, back: timedelta, clock: Clock) -> None:
        self._settings, self._name, self._shop, self._back, self._clock = settings, name, shop, back, clock
        self._engine: Engine | None = None
        self._cursor: Cursor | None = None
        self._recent: dict[int, tuple[datetime | None, str]] = {}
        self._unread: frozenset[str] = frozenset()
        self._confirmed_at = float("-inf")

    async def attach(self, engine: Engine) -> None:
        """A task of the service: from now on it is known which orders were read."""
        self._engine = engine

    @property
    def engine(self) -> Engine:
        """The engine of the service."""
        if self._engine is None:
            raise RuntimeError("a lane was opened before its orders were attached to the engine")
        return self._engine

    async def take_in(self) -> None:
        """Remember the orders that changed since the last look. Raises `UpstreamError`."""
        if self._cursor is None and (start := await self._start()) is not None:
            self._cursor = Cursor(start, OVERLAP)
        if self._cursor is not None:
            await self._list(self._cursor)
            await self._confirm()

    async def _start(self) -> datetime | None:
        """Before the last change in the shop, and before the newest order that is known; None in a shop without orders.

        What an order held that changed longer ago than `stock.in_flight_days` counts no more.
        """
        last = await self._shop.last_order_change()
        if last is None:
            return None
        last = min(last, self._now())
        oldest = last - timedelta(days=self._settings.shops[self._name].stock.in_flight_days)
        return max(oldest, min(last, await self._newest_read() or last) - self._back)

    def _now(self) -> datetime:
        """The shop's own time as its answers tell it, and a little more; ours where they do not."""
        return (self._shop.time or self._clock()) + AHEAD

    async def _newest_read(self) -> datetime | None:
        newest: datetime | None = None
        async for key, body in read_kind(self.engine.database, ORDER.name):
            order = orjson.loads(body)
            if key.startswith(f"{self._name}:") and order["read"] and order["modified_at"]:
                at = datetime.fromisoformat(order["modified_at"])
                newest = at if newest is None else max(newest, at)
        return newest

    async def _list(self, cursor: Cursor) -> None:
        some: dict[int, tuple[OrderSnapshot, str]] = {}
        async for row in self._shop.order_pieces_changed_since(cursor):
            order, digest = parse_listed_order(self._name, row), digest_of(row)
            if order is None:
                log.warning("an order in the list has no number", extra={"shop": self._name})
            elif digest != self._recent.get(order.order_id, (None, ""))[1]:
                some[order.order_id] = (order, digest)
            if len(some) >= AT_ONCE:
                await self._remember(some)
                some = {}
        await self._remember(some)
        self._forget_old()

    async def _remember(self, orders: Mapping[int, tuple[OrderSnapshot, str]]) -> None:
        """Count what these orders hold; the next look begins behind them."""
        if not orders:
            return
        async with self.engine.work() as work:
            await work.run([partial(apply_snapshot, self._settings, order) for order, _ in orders.values()])
        self._recent |= {number: (order.modified_at, digest) for number, (order, digest) in orders.items()}
        passed = [at for order, _ in orders.values() if (at := order.modified_at) and at <= self._now()]
        if self._cursor is not None and passed:
            self._cursor = self._cursor.moved_to(max(passed))

    def _forget_old(self) -> None:
        """What the next look does not list again need not be told from news."""
        start = self._cursor.start - OVERLAP if self._cursor else None
        recent = self._recent.items()
        self._recent = {number: one for number, one in recent if start is None or one[0] is None or one[0] >= start}

    async def _confirm(self) -> None:
        """Report orders that nobody has read for long, and drop those that the shop does not hold any more."""
        if time.monotonic() - self._confirmed_at < LONG:
            return
        async with self.engine.work() as work:
            unread = (await work.find_many(ORDER, [unread_ref(self._name)]))[unread_ref(self._name)]
        late = {key: order.order_id for key, order in unread.items() if key in self._unread}
        there = await self._there(list(late.values()))
        gone = [key for key, number in late.items() if number not in there]
        async with self.engine.work() as work:
            await work.run([partial(remove_order, self._settings, key) for key in gone])
        self._unread, self._confirmed_at = frozenset(unread) - set(gone), time.monotonic()
        if waiting := sorted(late.keys() - set(gone)):
            log.warning("orders are not read", extra={"reason": Reason.STOCK_ORDER_UNREAD, "orders": waiting[:SHOWN]})

    async def _there(self, orders: Sequence[int]) -> set[int | None]:
        found: set[int | None] = set()
        for some in chunks(orders, 100):
            rows = await self._shop.orders_by_id(some)
            found |= {php.whole(row.get("id")) for row in rows if row.get("status") != TRASH}
        return found
