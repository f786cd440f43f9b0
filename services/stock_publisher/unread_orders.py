"""Orders that the shop has taken already and that we have not read yet.

WooCommerce has no conditional write: a figure that is written over such an order would offer its pieces a second time.
So what changed lately is read just before stock is written, and the products of an order that is news wait until that
order is read; its figure then is another one. What it costs: one list of orders before each call that writes stock.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.shared.clock import Clock
from services.shared.delivery.engine import Engine
from services.shared.delivery.failure import outcome_of
from services.shared.delivery.lane import Deliver
from services.shared.delivery.outcome import Blocked, Outcome, Retry
from services.shared.delivery.row import Row
from services.shared.state.session import Session
from services.shared.state.store import load
from services.shared.upstream.errors import UpstreamError
from services.shared.woocommerce.cursor import Cursor
from services.shared.woocommerce.order import order_changed
from services.shared.woocommerce.read import ReadError
from services.stock_publisher import in_flight
from services.stock_publisher.records import ORDER

PAUSE = 5.0
"""Seconds until a shop that does not say what changed is asked again."""


class ListsOrders(Protocol):
    """What is read of a shop."""

    def orders_changed_since(self, cursor: Cursor) -> AsyncIterator[dict[str, Any]]: ...


def awaited(order: str) -> str:
    """The name of what a figure waits for: that this order (`shop:number`) is read."""
    return f"order-read:{order}"


class UnreadOrders:
    """Before the stock writes of one shop. `back` is how long an order may stay unread when all goes well."""

    def __init__(self, name: str, shop: ListsOrders, back: timedelta, clock: Clock) -> None:
        self._name, self._shop, self._back, self._clock = name, shop, back, clock
        self._engine: Engine | None = None

    async def attach(self, engine: Engine) -> None:
        """A task of the service: from now on it is known which orders were read."""
        self._engine = engine

    def before(self, deliver: Deliver) -> Deliver:
        """The effect of a lane that writes stock, behind this look."""

        async def delivering(rows: Sequence[Row]) -> Sequence[Outcome]:
            try:
                moved = await self._moved()
            except UpstreamError as error:
                return [_unseen(error)] * len(rows)
            waits = {row.id: _waits(row, moved[id_]) for row in rows if (id_ := row.payload["product_id"]) in moved}
            passing = [row for row in rows if row.id not in waits]
            outcomes = dict(zip([row.id for row in passing], await deliver(passing), strict=True)) if passing else {}
            return [waits.get(row.id) or outcomes[row.id] for row in rows]

        return delivering

    async def _moved(self) -> dict[int, OrderChanged]:
        """By product or variation: the order that has moved its stock and is not read yet. Raises `UpstreamError`."""
        recent = [order async for order in self._recent()]
        known = await self._known([order.key for order in recent])
        return {product: order for order in recent for product in _moves(order, known.get(ORDER, order.key))}

    async def _recent(self) -> AsyncIterator[OrderChanged]:
        """Those changed lately; store-feed tells of one that cannot be read."""
        async for json in self._shop.orders_changed_since(Cursor(self._clock() - self._back)):
            try:
                yield order_changed(self._name, json)
            except ReadError:
                continue

    async def _known(self, orders: Sequence[str]) -> Session:
        if self._engine is None:
            raise RuntimeError("a lane was opened before its orders were attached to the engine")
        session = Session(datetime.min.replace(tzinfo=UTC))
        async with self._engine.database.read() as connection:
            await load(connection, session, [(ORDER.name, key) for key in orders], by_ref=False)
        return session


def _moves(order: OrderChanged, known: in_flight.ShopOrder | None) -> set[int]:
    return in_flight.moved(known, in_flight.order(order, known))


def _waits(row: Row, order: OrderChanged) -> Blocked:
    return Blocked(
        awaited(order.key),
        Reason.STOCK_ORDER_UNREAD,
        f"stock of product {row.payload['product_id']} with SKU {row.payload['sku']}: order {order.number} of shop "
        f"{order.shop} has just moved it and is not read yet; its figure follows when it is",
    )


def _unseen(error: UpstreamError) -> Retry:
    outcome = outcome_of(error)
    return outcome if isinstance(outcome, Retry) else Retry(error.message, PAUSE)
