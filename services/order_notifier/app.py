"""order-notifier: writes the state of orders in the books back to the shop, as notes and statuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from services.accounting.checks.gates import shop_gate
from services.connectors.identity.guard import ShopGuard, guard_lane
from services.connectors.identity.status import with_identity
from services.connectors.upstreams import open_shops, shop_lane
from services.connectors.woocommerce.client import WooCommerce
from services.engine.clock import Clock, utc_now
from services.engine.outbox.lane import Lane
from services.engine.runtime.blueprint import Blueprint, fingerprint
from services.engine.runtime.gate import Gate
from services.order_notifier.deliveries import deliver_notes, deliver_statuses
from services.order_notifier.handlers import SERVICE, handlers, note_lane, status_lane
from services.settings.model import Settings


@asynccontextmanager
async def blueprint(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Blueprint]:
    """The service: a lane of notes and one of statuses for each shop. With both off it only reads the topics."""
    async with open_shops(settings, clock) as shops:
        guards = {name: ShopGuard(name, shop, settings.shops[name], clock) for name, shop in shops.items()}
        lanes = [
            guard_lane(lane, guards[name])
            for name, shop in shops.items()
            for lane in shop_lanes(settings, name, shop, clock)
        ]
        gates = [gate for name, shop in shops.items() for gate in _gates(settings, name, shop)]
        rules, attached = fingerprint(settings.shops.values()), [guard.attach for guard in guards.values()]
        known = with_identity(handlers(settings))
        yield Blueprint(SERVICE, known, rules, lanes, early_tasks=attached, gates=gates, personal=False)


def shop_lanes(settings: Settings, name: str, shop: WooCommerce, clock: Clock) -> list[Lane]:
    """The lanes of a shop. REST has no batch for notes and statuses; several orders are handled concurrently."""
    effects = {note_lane(name): deliver_notes(shop, clock), status_lane(name): deliver_statuses(shop, clock)}
    return [replace(shop_lane(settings, name, lane, effect), batch=1) for lane, effect in effects.items()]


def _gates(settings: Settings, name: str, shop: WooCommerce) -> list[Gate]:
    lanes = {"notes": note_lane(name), "statuses": status_lane(name)}
    return [g for flow, lane in lanes.items() for g in shop_gate(settings, name, shop, lane, frozenset({flow}))]
