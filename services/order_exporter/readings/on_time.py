"""How soon paid orders get their Sale: the objective (claim I9) is a share of them within a time, over some days.

The clock of an order starts when its trigger first holds (paid, or completed, as the settings say, and held), and ends
when its Sale is recorded. What a person gave up, and what the shop cancelled before it had a Sale, does not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select

from contracts.envelope import Envelope
from contracts.ledger import SaleRecorded
from contracts.model import Event, Instant, Part
from contracts.operations import DeadLetterSettled
from contracts.order_statuses import is_void
from contracts.shop import OrderChanged, OrderRemoved
from services.accounting.documents.trigger import due_at, is_triggered
from services.engine.outbox.dead_letters import PARKED
from services.engine.outbox.handlers import Remember
from services.engine.state.database import Database
from services.engine.state.records import Kind, State
from services.engine.state.tables import records
from services.engine.telemetry.families import DUE_ORDERS, ON_TIME, Reading
from services.order_exporter.projection import SALE, SERVICE
from services.settings.freshness import FreshnessSettings
from services.settings.shop import ShopSettings

EVERY = timedelta(seconds=60)
"""How often the orders are counted at most."""


class Due(Part):
    """When an order became due for its Sale, and when that was recorded."""

    due: Instant
    recorded: Instant | None = None


DUE = Kind("due", Due)
"""By order; the shop is the `ref`."""


def rules(shops: Mapping[str, ShopSettings]) -> Mapping[type[Event], Remember]:
    """What to remember of the orders of shops whose orders are live."""
    return {
        OrderChanged: partial(_changed, shops),
        OrderRemoved: lambda envelope, state: _given_up(envelope.data.key, state),
        SaleRecorded: _recorded,
        DeadLetterSettled: _discarded,
    }


def _changed(shops: Mapping[str, ShopSettings], envelope: Envelope[OrderChanged], state: State) -> None:
    order = envelope.data
    shop = shops.get(order.shop)
    if is_void(order):
        _given_up(order.key, state)
    elif (
        shop and shop.flows.orders == "live" and is_triggered(order, shop.orders) and state.get(DUE, order.key) is None
    ):
        sale = state.get(SALE, order.key)  # after the loss of the database it may be known before its order
        due = Due(due=due_at(order, shop.orders), recorded=sale.recorded_at if sale else None)
        state.put(DUE, order.key, due, ref=order.shop)


def _given_up(order: str, state: State) -> None:
    known = state.get(DUE, order)
    if known is not None and known.recorded is None:
        state.drop(DUE, order)


def _recorded(envelope: Envelope[SaleRecorded], state: State) -> None:
    sale = envelope.data
    known = state.get(DUE, sale.key)
    if known is not None and known.recorded is None:
        state.put(DUE, sale.key, Due(due=known.due, recorded=sale.recorded_at), ref=sale.shop)


def _discarded(envelope: Envelope[DeadLetterSettled], state: State) -> None:
    parked = state.get(PARKED, envelope.data.dead_letter)
    if parked and parked.letter.delivery and envelope.data.how == "discarded":
        _given_up(parked.letter.delivery.subject, state)


class OnTime:
    """Counts, for each shop, the orders that became due within the window, and those of them that were in time.

    An order without a Sale counts once its time is over.
    """

    def __init__(self, shops: Mapping[str, ShopSettings], settings: FreshnessSettings) -> None:
        self._shops = [name for name, shop in shops.items() if shop.flows.orders == "live"]
        self._settings = settings
        self._counted_at: datetime | None = None
        self._counts: Mapping[str, tuple[int, int]] = {}

    async def __call__(self, database: Database, now: datetime) -> list[Reading]:
        """The two counts, by shop."""
        if self._counted_at is None or now - self._counted_at >= EVERY:
            async with database.read() as connection:
                rows = (await connection.execute(counted(self._settings, now))).all()
            self._counts, self._counted_at = {shop: (due, in_time) for shop, due, in_time in rows}, now
        return [reading for shop in self._shops for reading in _readings(shop, *self._counts.get(shop, (0, 0)))]


def _readings(shop: str, due: int, in_time: int) -> tuple[Reading, Reading]:
    return Reading(DUE_ORDERS, (SERVICE, shop), due), Reading(ON_TIME, (SERVICE, shop), in_time)


def counted(settings: FreshnessSettings, now: datetime) -> Select[Any]:
    """Shop, orders that count, orders in time. Moments are compared as seconds."""
    in_time = _recorded_at - _due_at <= settings.sale_within
    return (
        select(records.c.ref, func.count(), func.coalesce(func.sum(case((in_time, 1), else_=0)), 0))
        .where(records.c.kind == DUE.name, *due_within(settings, now))
        .group_by(records.c.ref)
    )


def due_within(settings: FreshnessSettings, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Which orders count: due within the window, and in the books or past their time."""
    late_since, since = now.timestamp() - settings.sale_within, now.timestamp() - settings.sale_days * 86400
    return _due_at >= since, _recorded_at.is_not(None) | (_due_at < late_since)


def _seconds(path: str) -> Any:
    """A moment of the body as seconds since 1970, to the millisecond (SQLite's Julian days have no more)."""
    return (func.julianday(func.json_extract(records.c.body, path)) - 2440587.5) * 86400.0


_due_at, _recorded_at = _seconds("$.due"), _seconds("$.recorded")
