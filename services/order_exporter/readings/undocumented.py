"""Paid orders without a document: found by looking at the orders, whatever the rest of the service believes (K17)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import aliased

from contracts.order_statuses import VOID_STATUSES
from contracts.shop import OrderChanged
from services.accounting.documents.trigger import due_at, is_triggered
from services.engine.outbox.dead_letters import PARKED
from services.engine.state.database import Database
from services.engine.state.tables import records
from services.engine.telemetry.families import UNDOCUMENTED, UNDOCUMENTED_AGE, Reading
from services.order_exporter.projection import ORDER, SALE, SERVICE, KnownOrder
from services.settings.shop import ShopSettings

EVERY = timedelta(seconds=60)
"""How often it is looked at most: a look goes over all orders that have no Sale."""
MOST = 300
"""More such orders are not counted: the oldest tell how long the books have been behind."""


class Undocumented:
    """Measures, for each shop whose orders are live, how many orders are due for a Sale and have none."""

    def __init__(self, shops: Mapping[str, ShopSettings]) -> None:
        self._shops = {name: shop for name, shop in shops.items() if shop.flows.orders == "live"}
        self._looked_at: datetime | None = None
        self._due: Mapping[str, Sequence[datetime]] = {}

    async def __call__(self, database: Database, now: datetime) -> list[Reading]:
        """The number of such orders (at most `MOST` are counted) and the greatest age, by shop."""
        if self._looked_at is None or now - self._looked_at >= EVERY:
            async with database.read() as connection:
                bodies = (await connection.scalars(_WITHOUT_SALE)).all()
            self._due, self._looked_at = self._moments(map(ORDER.model.model_validate_json, bodies), now), now
        return [reading for shop in self._shops for reading in _readings(shop, self._due.get(shop, ()), now)]

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


def _readings(shop: str, due: Sequence[datetime], now: datetime) -> tuple[Reading, Reading]:
    age = (now - min(due)).total_seconds() if due else 0.0
    return Reading(UNDOCUMENTED, (SERVICE, shop), len(due)), Reading(UNDOCUMENTED_AGE, (SERVICE, shop), age)


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
"""Orders paid or completed, not given up, without a Sale, but for those that a person has discarded; oldest first."""
