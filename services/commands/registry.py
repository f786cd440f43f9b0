"""Every service by its name: the only place that knows them all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from services.alerts import app as alerts
from services.balance_feed import app as balance_feed
from services.catalog_importer import app as catalog_importer
from services.order_exporter import app as order_exporter
from services.order_notifier import app as order_notifier
from services.refund_exporter import app as refund_exporter
from services.shared.running.service import Blueprint
from services.shared.settings.model import Settings
from services.stock_publisher import app as stock_publisher
from services.store_feed import app as store_feed

Open = Callable[[Settings], AbstractAsyncContextManager[Blueprint]]
SERVICES: dict[str, Open] = {
    "balance-feed": balance_feed.blueprint,
    "store-feed": store_feed.blueprint,
    "catalog-importer": catalog_importer.blueprint,
    "stock-publisher": stock_publisher.blueprint,
    "order-exporter": order_exporter.blueprint,
    "refund-exporter": refund_exporter.blueprint,
    "order-notifier": order_notifier.blueprint,
}
OPTIONAL: dict[str, Open] = {"alerts": alerts.blueprint}
"""Services that run where the settings have a section of their name."""


def service(name: str) -> Open:
    """The service of that name. Raises `KeyError`."""
    return SERVICES[name] if name in SERVICES else OPTIONAL[name]


def wanted(settings: Settings) -> list[str]:
    """The services that these settings ask for."""
    return [*SERVICES, *[name for name in OPTIONAL if getattr(settings, name) is not None]]
