"""order-exporter: orders become clients and Sales in Balance."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.order_exporter.deliveries import deliveries
from services.order_exporter.handlers import handlers
from services.order_exporter.hands import HandsOff
from services.order_exporter.on_time import OnTime
from services.order_exporter.projection import SERVICE
from services.order_exporter.undocumented import Undocumented
from services.shared.balance.client import Balance
from services.shared.checks.gates import orders_gate
from services.shared.delivery.engine import Clock
from services.shared.identity.guard import ByShop
from services.shared.identity.standing import watched
from services.shared.running.fingerprint import fingerprint
from services.shared.running.service import Blueprint, utc_now
from services.shared.running.upstreams import balance_lanes
from services.shared.settings.model import Settings
from services.shared.telemetry.families import Reads


@asynccontextmanager
async def blueprint(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Blueprint]:
    """The service, wired: a lane for clients and one for Sales."""
    async with Balance(settings.balance, settings.balance.password()) as balance:
        guard, effects = ByShop(), deliveries(balance, settings.balance.dialect, clock)
        lanes = balance_lanes(settings, {name: guard.guarded(deliver) for name, deliver in effects.items()})
        rules = fingerprint([settings.balance, *settings.shops.values()])
        shops, objective = settings.shops, settings.freshness
        readings: list[Reads] = [Undocumented(shops), OnTime(shops, objective), HandsOff(shops, objective)]
        gates = orders_gate(settings, balance, [lane.name for lane in lanes])
        early, known = [guard.attach], watched(handlers(settings))
        yield Blueprint(SERVICE, known, rules, lanes, early_tasks=early, readings=readings, gates=gates)
