"""Readings about orders: Sales on time, orders that needed no person, and paid orders without a Sale.

The objective (claim I9) is a share of orders that get their Sale within a time, over some days. An order's time starts
when its trigger is first met and its hold is over, and ends when its Sale is recorded. Orders that a person discarded,
or that were cancelled before they had a Sale, do not count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import aliased

from contracts.approvals import ApprovalAsked
from contracts.delivery_ids import order_key
from contracts.envelope import Envelope
from contracts.ledger import SaleRecorded
from contracts.model import Event, Instant, Part
from contracts.operations import DeadLettered, DeadLetterSettled, PushRequested
from contracts.order_statuses import VOID_STATUSES, is_void
from contracts.shop import OrderChanged, OrderRemoved
from services.accounting.documents.trigger import due_at, is_triggered
from services.engine.outbox.dead_letters import PARKED, order_key_of
from services.engine.outbox.handlers import Remember
from services.engine.state.database import Database
from services.engine.state.records import Kind, State
from services.engine.state.tables import records
from services.engine.telemetry.families import (
    DUE_ORDERS,
    ON_TIME,
    UNDOCUMENTED,
    UNDOCUMENTED_AGE,
    UNTOUCHED_ORDERS,
    MetricReading,
)
from services.order_exporter.projection import ORDER, SALE, SERVICE, KnownOrder
from services.settings.model import FreshnessSettings
from services.settings.shop import ShopSettings

COUNT_INTERVAL = timedelta(seconds=60)
"""How often orders are counted at most."""


class Due(Part):
    """When an order became due for its Sale, and when that was recorded."""

    due: Instant
    recorded: Instant | None = None


DUE = Kind("due", Due)
"""By order; the shop is the `ref`."""


def objective_rules(shops: Mapping[str, ShopSettings]) -> Mapping[type[Event], Remember]:
    """What to remember about the orders of shops whose orders are live."""
    return {
        OrderChanged: partial(_on_order_changed, shops),
        OrderRemoved: lambda envelope, state: _drop_unrecorded(envelope.data.key, state),
        SaleRecorded: _on_sale_recorded,
        DeadLetterSettled: _drop_discarded,
    }


def _on_order_changed(shops: Mapping[str, ShopSettings], envelope: Envelope[OrderChanged], state: State) -> None:
    order = envelope.data
    shop = shops.get(order.shop)
    if is_void(order):
        _drop_unrecorded(order.key, state)
    elif (
        shop and shop.flows.orders == "live" and is_triggered(order, shop.orders) and state.get(DUE, order.key) is None
    ):
        sale = state.get(SALE, order.key)  # in a new database the Sale may be known before its order
        due = Due(due=due_at(order, shop.orders), recorded=sale.recorded_at if sale else None)
        state.put(DUE, order.key, due, ref=order.shop)


def _drop_unrecorded(order: str, state: State) -> None:
    known = state.get(DUE, order)
    if known is not None and known.recorded is None:
        state.drop(DUE, order)


def _on_sale_recorded(envelope: Envelope[SaleRecorded], state: State) -> None:
    sale = envelope.data
    known = state.get(DUE, sale.key)
    if known is not None and known.recorded is None:
        state.put(DUE, sale.key, Due(due=known.due, recorded=sale.recorded_at), ref=sale.shop)


def _drop_discarded(envelope: Envelope[DeadLetterSettled], state: State) -> None:
    parked = state.get(PARKED, envelope.data.dead_letter)
    if parked and parked.event.delivery and envelope.data.how == "discarded":
        _drop_unrecorded(parked.event.delivery.subject, state)


class SalesOnTimeReadings:
    """Counts, for each shop, the orders that became due within the window, and those that were on time.

    An order without a Sale counts once its time is over.
    """

    def __init__(self, shops: Mapping[str, ShopSettings], settings: FreshnessSettings) -> None:
        self._shops = [name for name, shop in shops.items() if shop.flows.orders == "live"]
        self._settings = settings
        self._counted_at: datetime | None = None
        self._counts: Mapping[str, tuple[int, int]] = {}

    async def __call__(self, database: Database, now: datetime) -> list[MetricReading]:
        """Both counts by shop."""
        if self._counted_at is None or now - self._counted_at >= COUNT_INTERVAL:
            async with database.read() as connection:
                rows = (await connection.execute(orders_on_time(self._settings, now))).all()
            self._counts, self._counted_at = {shop: (due, in_time) for shop, due, in_time in rows}, now
        return [
            reading for shop in self._shops for reading in _objective_readings(shop, *self._counts.get(shop, (0, 0)))
        ]


def _objective_readings(shop: str, due: int, in_time: int) -> tuple[MetricReading, MetricReading]:
    return MetricReading(DUE_ORDERS, (SERVICE, shop), due), MetricReading(ON_TIME, (SERVICE, shop), in_time)


def orders_on_time(settings: FreshnessSettings, now: datetime) -> Select[Any]:
    """Shop, orders that count, orders on time. Moments are compared in seconds."""
    in_time = _recorded_at - _due_at <= settings.sale_within
    return (
        select(records.c.ref, func.count(), func.coalesce(func.sum(case((in_time, 1), else_=0)), 0))
        .where(records.c.kind == DUE.name, *due_within(settings, now))
        .group_by(records.c.ref)
    )


def due_within(settings: FreshnessSettings, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Which orders count: due within the window, and either in the books or late."""
    late_since, since = now.timestamp() - settings.sale_within, now.timestamp() - settings.sale_days * 86400
    return _due_at >= since, _recorded_at.is_not(None) | (_due_at < late_since)


def _seconds(path: str) -> Any:
    """A moment in the body as seconds since 1970, to the millisecond (the precision of SQLite's Julian days)."""
    return (func.julianday(func.json_extract(records.c.body, path)) - 2440587.5) * 86400.0


_due_at, _recorded_at = _seconds("$.due"), _seconds("$.recorded")


class Intervention(Part):
    """What first needed a person for an order."""

    by: str


INTERVENTION = Kind("touched", Intervention)
"""By order."""
ORDERS = frozenset({"order-exporter", "refund-exporter"})
"""The services whose dead letters are about orders; those of others are about items and feeds."""
_intervention = records.alias("touched")


def intervention_rules() -> Mapping[type[Event], Remember]:
    """What to remember about orders that needed a person.

    Those with a dead letter, an approval or a push (also by a backfill), even if they were booked automatically later.
    """
    return {DeadLettered: _on_dead_lettered, ApprovalAsked: _on_approval_asked, PushRequested: _on_push_requested}


def _on_dead_lettered(envelope: Envelope[DeadLettered], state: State) -> None:
    dead_letter = envelope.data
    if dead_letter.service in ORDERS and (order := order_key_of(dead_letter)):
        _remember_intervention(order, f"dead letter: {dead_letter.reason}", state)


def _on_approval_asked(envelope: Envelope[ApprovalAsked], state: State) -> None:
    _remember_intervention(order_key(envelope.data.shop, envelope.data.order_id), "approval", state)


def _on_push_requested(envelope: Envelope[PushRequested], state: State) -> None:
    if not envelope.data.dry_run:
        _remember_intervention(order_key(envelope.data.shop, envelope.data.order_id), "push", state)


def _remember_intervention(order: str, by: str, state: State) -> None:
    if state.get(INTERVENTION, order) is None:
        state.put(INTERVENTION, order, Intervention(by=by))


class UntouchedOrdersReadings:
    """Counts, for each shop with live orders, the orders of the window that needed no person (claim S4.5)."""

    def __init__(self, shops: Mapping[str, ShopSettings], settings: FreshnessSettings) -> None:
        self._shops = [name for name, shop in shops.items() if shop.flows.orders == "live"]
        self._settings = settings
        self._counted_at: datetime | None = None
        self._counts: Mapping[str, int] = {}

    async def __call__(self, database: Database, now: datetime) -> list[MetricReading]:
        """The count by shop; computed once a minute at most."""
        if self._counted_at is None or now - self._counted_at >= COUNT_INTERVAL:
            async with database.read() as connection:
                rows = (await connection.execute(untouched_orders(self._settings, now))).all()
            self._counts, self._counted_at = {shop: count for shop, _, count in rows}, now
        return [MetricReading(UNTOUCHED_ORDERS, (SERVICE, shop), self._counts.get(shop, 0)) for shop in self._shops]


def untouched_orders(settings: FreshnessSettings, now: datetime) -> Select[Any]:
    """Shop, orders that count, orders that needed no person."""
    same = and_(_intervention.c.kind == INTERVENTION.name, _intervention.c.key == records.c.key)
    free = func.coalesce(func.sum(case((_intervention.c.key.is_(None), 1), else_=0)), 0)
    return (
        select(records.c.ref, func.count(), free)
        .select_from(records.outerjoin(_intervention, same))
        .where(records.c.kind == DUE.name, *due_within(settings, now))
        .group_by(records.c.ref)
    )


MOST = 300
"""At most so many such orders are counted; the oldest ones show how far the books are behind."""


class UndocumentedOrdersReadings:
    """Counts, for each shop with live orders, paid orders that are due for a Sale and have none (claim K17).

    It looks at the orders themselves, independently of deliveries and decisions.
    """

    def __init__(self, shops: Mapping[str, ShopSettings]) -> None:
        self._shops = {name: shop for name, shop in shops.items() if shop.flows.orders == "live"}
        self._looked_at: datetime | None = None
        self._due: Mapping[str, Sequence[datetime]] = {}

    async def __call__(self, database: Database, now: datetime) -> list[MetricReading]:
        """The number of such orders (at most `MOST`) and the greatest age, by shop."""
        if self._looked_at is None or now - self._looked_at >= COUNT_INTERVAL:
            async with database.read() as connection:
                bodies = (await connection.scalars(_WITHOUT_SALE)).all()
            self._due, self._looked_at = self._moments(map(ORDER.model.model_validate_json, bodies), now), now
        return [
            reading for shop in self._shops for reading in _undocumented_readings(shop, self._due.get(shop, ()), now)
        ]

    def _moments(self, orders: Iterable[KnownOrder], now: datetime) -> dict[str, list[datetime]]:
        """When the orders of each shop became due for their Sale."""
        found: dict[str, list[datetime]] = defaultdict(list)
        for known in orders:
            if moment := self._due_since(known.order, now):
                found[known.order.shop].append(moment)
        return found

    def _due_since(self, order: OrderChanged, now: datetime) -> datetime | None:
        settings = self._shops.get(order.shop)
        if settings is None or not is_triggered(order, settings.orders):
            return None
        moment = due_at(order, settings.orders)
        return moment if moment <= now else None


def _undocumented_readings(shop: str, due: Sequence[datetime], now: datetime) -> tuple[MetricReading, MetricReading]:
    age = (now - min(due)).total_seconds() if due else 0.0
    return MetricReading(UNDOCUMENTED, (SERVICE, shop), len(due)), MetricReading(UNDOCUMENTED_AGE, (SERVICE, shop), age)


_order, _other = aliased(records), aliased(records)
_body = _order.c.body
_settled = func.coalesce(func.json_extract(_body, "$.order.paid_at"), func.json_extract(_body, "$.order.completed_at"))
_void = func.json_extract(_body, "$.order.status").in_(VOID_STATUSES)
_refunds = func.json_array_length(_body, "$.order.refund_ids")
_sold = exists().where(_other.c.kind == SALE.name, _other.c.key == _order.c.key)
_discarded = exists().where(
    _other.c.kind == PARKED.name,
    _other.c.ref == _order.c.key,
    func.json_extract(_other.c.body, "$.state") == "discarded",
)
_WITHOUT_SALE = (
    select(_body)
    .where(_order.c.kind == ORDER.name, ~_sold, func.json_extract(_body, "$.removed") == 0, _settled.is_not(None))
    .where(or_(~_void, _refunds > 0), ~_discarded)
    .order_by(_settled)
    .limit(MOST)
)
"""Orders paid or completed, not given up, without a Sale, and not discarded by a person; oldest first."""
