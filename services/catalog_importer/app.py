"""catalog-importer: items and prices become WooCommerce products."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.catalog_importer.decide import lane
from services.catalog_importer.deliveries import Deliveries
from services.catalog_importer.handlers import handlers
from services.catalog_importer.mapping import NAME
from services.shared.checks.gates import shop_gate
from services.shared.delivery.engine import Clock
from services.shared.running.fingerprint import fingerprint
from services.shared.running.service import Blueprint, utc_now
from services.shared.running.upstreams import open_shops, shop_lane
from services.shared.settings.model import Settings

FLOWS = frozenset({"catalogue", "prices"})


@asynccontextmanager
async def blueprint(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Blueprint]:
    """The service, wired: a lane of product writes for each shop."""
    async with open_shops(settings, clock) as shops:
        deliveries = {name: Deliveries(settings.shops[name], shop, clock) for name, shop in shops.items()}
        lanes = [shop_lane(settings, name, lane(name), deliver) for name, deliver in deliveries.items()]
        gates = [gate for n, shop in shops.items() for gate in shop_gate(settings, n, shop, lane(n), FLOWS)]
        rules = fingerprint([settings.balance, *settings.shops.values()])
        yield Blueprint(NAME, handlers(settings), rules, lanes, gates=gates)
