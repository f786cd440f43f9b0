"""How many paid orders came into the books without a person: the goal of all this (claim S4.5).

A person was needed where something of the order became a dead letter, waited for an approval, or was pushed by hand
(a backfill too); it counts also when it went on by itself later. Orders count as they do for the objective
(`on_time.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, case, func, select

from contracts.approvals import ApprovalAsked
from contracts.delivery_ids import order_key
from contracts.envelope import Envelope
from contracts.model import Event, Part
from contracts.operations import DeadLettered, PushRequested
from services.engine.outbox.dead_letters import order_key_of
from services.engine.outbox.handlers import Remember
from services.engine.state.database import Database
from services.engine.state.records import Kind, State
from services.engine.state.tables import records
from services.engine.telemetry.families import UNTOUCHED_ORDERS, Reading
from services.order_exporter.projection import SERVICE
from services.order_exporter.readings.on_time import DUE, EVERY, due_within
from services.settings.freshness import FreshnessSettings
from services.settings.shop import ShopSettings


class Touched(Part):
    """What first needed a person."""

    by: str


TOUCHED = Kind("touched", Touched)
"""By order."""
ORDERS = frozenset({"order-exporter", "refund-exporter"})
"""The services whose dead letters are about orders; the letters of others name items and feeds."""
_touched = records.alias("touched")


def rules() -> Mapping[type[Event], Remember]:
    """What to remember of it."""
    return {DeadLettered: _lettered, ApprovalAsked: _asked, PushRequested: _pushed}


def _lettered(envelope: Envelope[DeadLettered], state: State) -> None:
    letter = envelope.data
    if letter.service in ORDERS and (order := order_key_of(letter)):
        _note(order, f"dead letter: {letter.reason}", state)


def _asked(envelope: Envelope[ApprovalAsked], state: State) -> None:
    _note(order_key(envelope.data.shop, envelope.data.order_id), "approval", state)


def _pushed(envelope: Envelope[PushRequested], state: State) -> None:
    if not envelope.data.dry_run:
        _note(order_key(envelope.data.shop, envelope.data.order_id), "push", state)


def _note(order: str, by: str, state: State) -> None:
    if state.get(TOUCHED, order) is None:
        state.put(TOUCHED, order, Touched(by=by))


class HandsOff:
    """Counts, for each shop whose orders are live, those of the window that needed no person."""

    def __init__(self, shops: Mapping[str, ShopSettings], settings: FreshnessSettings) -> None:
        self._shops = [name for name, shop in shops.items() if shop.flows.orders == "live"]
        self._settings = settings
        self._counted_at: datetime | None = None
        self._counts: Mapping[str, int] = {}

    async def __call__(self, database: Database, now: datetime) -> list[Reading]:
        """The count, by shop; looked up once a minute at most."""
        if self._counted_at is None or now - self._counted_at >= EVERY:
            async with database.read() as connection:
                rows = (await connection.execute(untouched(self._settings, now))).all()
            self._counts, self._counted_at = {shop: count for shop, _, count in rows}, now
        return [Reading(UNTOUCHED_ORDERS, (SERVICE, shop), self._counts.get(shop, 0)) for shop in self._shops]


def untouched(settings: FreshnessSettings, now: datetime) -> Select[Any]:
    """Shop, orders that count, those that needed no person."""
    same = and_(_touched.c.kind == TOUCHED.name, _touched.c.key == records.c.key)
    free = func.coalesce(func.sum(case((_touched.c.key.is_(None), 1), else_=0)), 0)
    return (
        select(records.c.ref, func.count(), free)
        .select_from(records.outerjoin(_touched, same))
        .where(records.c.kind == DUE.name, *due_within(settings, now))
        .group_by(records.c.ref)
    )
