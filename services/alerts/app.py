"""alerts: sends one message when something needs a person, and one when it is resolved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.alerts.deliveries import NoticeDeliveries, OwnDiskWatch, RecipientAddress
from services.alerts.handlers import SERVICE, alert_lane_name, handlers
from services.connectors.upstreams import breaker
from services.engine.clock import Clock, utc_now
from services.engine.outbox.lane import Lane
from services.engine.runtime.blueprint import Blueprint, fingerprint
from services.settings.alerts import AlertSettings
from services.settings.base import SecretMissing
from services.settings.model import Settings


@asynccontextmanager
async def blueprint(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Blueprint]:
    """Wire the service: one lane per recipient. Raises `SecretMissing` if there is no recipient, or no usable URL."""
    if settings.alerts is None:
        raise SecretMissing("alerts.recipients: no recipient is configured; name a recipient and its url-file")
    addresses = _addresses(settings.alerts)
    lanes = [_lane(settings, name, addresses.get(name), clock) for name in settings.alerts.recipients]
    rules = fingerprint([settings.alerts, *settings.shops.values()])
    disk_watch = OwnDiskWatch(settings.alerts, addresses)
    known, early = handlers(settings, settings.alerts), [disk_watch.run]
    yield Blueprint(SERVICE, known, rules, lanes, early_tasks=early, personal=False)


def _addresses(alerts: AlertSettings) -> dict[str, RecipientAddress]:
    """The address of each recipient; empty in a dry run."""
    if alerts.dry_run:
        return {}
    return {name: RecipientAddress(name, recipient.url(name)) for name, recipient in alerts.recipients.items()}


def _lane(settings: Settings, name: str, address: RecipientAddress | None, clock: Clock) -> Lane:
    return Lane(alert_lane_name(name), NoticeDeliveries(address, clock).deliver, breaker(settings), concurrency=1)
