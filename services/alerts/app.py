"""alerts: tells people what waits for them, once, and when it is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.alerts.deliveries import Address, Notices
from services.alerts.handlers import SERVICE, handlers, lane
from services.alerts.own_disk import OwnDisk
from services.connectors.upstreams import breaker
from services.engine.outbox.lane import Lane
from services.engine.runtime.clock import Clock, utc_now
from services.engine.runtime.fingerprint import fingerprint
from services.engine.runtime.service import Blueprint
from services.settings.alerts import AlertSettings
from services.settings.base import SecretMissing
from services.settings.model import Settings


@asynccontextmanager
async def blueprint(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Blueprint]:
    """The service, wired: a lane for each recipient. Raises `SecretMissing` when nobody is to be told, or not where."""
    if settings.alerts is None:
        raise SecretMissing("alerts.recipients: nobody is to be told; name a recipient and its url-file")
    addresses = _addresses(settings.alerts)
    lanes = [_lane(settings, name, addresses.get(name), clock) for name in settings.alerts.recipients]
    rules = fingerprint([settings.alerts, *settings.shops.values()])
    own = OwnDisk(settings.alerts, addresses)
    yield Blueprint(SERVICE, handlers(settings, settings.alerts), rules, lanes, early_tasks=[own.run])


def _addresses(alerts: AlertSettings) -> dict[str, Address]:
    """The address of each recipient; none at all in a dry run."""
    return {} if alerts.dry_run else {name: Address(name, one.url(name)) for name, one in alerts.recipients.items()}


def _lane(settings: Settings, name: str, address: Address | None, clock: Clock) -> Lane:
    return Lane(lane(name), Notices(address, clock).deliver, breaker(settings), concurrency=1)
