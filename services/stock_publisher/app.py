"""stock-publisher: Balance's stock and the shop's orders become the figures that the shop sells from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from services.shared.delivery.engine import Clock
from services.shared.delivery.lane import Lane
from services.shared.running.fingerprint import fingerprint
from services.shared.running.service import Blueprint, utc_now
from services.shared.running.upstreams import breaker, open_shop
from services.shared.settings.model import Settings
from services.stock_publisher.decide import lane
from services.stock_publisher.deliveries import Deliveries
from services.stock_publisher.handlers import handlers

NAME = "stock-publisher"


@asynccontextmanager
async def blueprint(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Blueprint]:
    """The service, wired: a lane of stock writes for each shop."""
    async with AsyncExitStack() as stack:
        lanes = []
        for name, shop in settings.shops.items():
            client = await stack.enter_async_context(open_shop(settings, name, clock))
            deliver = Deliveries(client, clock)
            lanes.append(Lane(lane(name), deliver, breaker(settings), shop.batch_size, shop.concurrency))
        yield Blueprint(NAME, handlers(settings), fingerprint(settings.shops.values()), lanes)
