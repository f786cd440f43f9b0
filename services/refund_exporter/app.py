"""refund-exporter: refunds become credit notes in Balance, bound to their Sales."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.refund_exporter.deliveries import deliveries
from services.refund_exporter.handlers import handlers
from services.refund_exporter.projection import SERVICE
from services.shared.balance.client import Balance
from services.shared.delivery.engine import Clock
from services.shared.delivery.lane import Lane
from services.shared.running.fingerprint import fingerprint
from services.shared.running.service import Blueprint, utc_now
from services.shared.running.upstreams import breaker
from services.shared.settings.model import Settings


@asynccontextmanager
async def blueprint(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Blueprint]:
    """The service, wired: a lane for credit notes."""
    async with Balance(settings.balance, settings.balance.password()) as balance:
        to_balance, at_once = breaker(settings), settings.balance.concurrency
        lanes = [
            Lane(name, deliver, to_balance, batch=1, concurrency=at_once)
            for name, deliver in deliveries(balance, settings.balance.dialect, clock).items()
        ]
        rules = [settings.balance, *settings.shops.values()]
        yield Blueprint(SERVICE, handlers(settings), fingerprint(rules), lanes)
