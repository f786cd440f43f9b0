"""catalog-importer: items and prices become WooCommerce products."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from services.catalog_importer.decide import lane
from services.catalog_importer.deliveries import Deliveries
from services.catalog_importer.handlers import handlers
from services.shared.delivery.engine import Clock
from services.shared.delivery.lane import Lane
from services.shared.running.fingerprint import fingerprint
from services.shared.running.service import Blueprint, utc_now
from services.shared.running.upstreams import breaker, open_shop
from services.shared.settings.model import Settings

NAME = "catalog-importer"


@asynccontextmanager
async def blueprint(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Blueprint]:
    """The service, wired: a lane of product writes for each shop."""
    async with AsyncExitStack() as stack:
        lanes = []
        for name, shop in settings.shops.items():
            client = await stack.enter_async_context(open_shop(settings, name, clock))
            deliver = Deliveries(shop, client, clock)
            lanes.append(Lane(lane(name), deliver, breaker(settings), shop.batch_size, shop.concurrency))
        rules = [settings.balance, *settings.shops.values()]
        yield Blueprint(NAME, handlers(settings), fingerprint(rules), lanes)
