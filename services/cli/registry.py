"""Every service by its name: the only place that knows them all. Each is imported when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from services.engine.runtime.importing import imported

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from services.engine.runtime.service import Blueprint
    from services.settings.model import Settings

    Open = Callable[[Settings], AbstractAsyncContextManager[Blueprint]]
SERVICES = (
    "balance-feed",
    "store-feed",
    "catalog-importer",
    "stock-publisher",
    "order-exporter",
    "refund-exporter",
    "order-notifier",
)
OPTIONAL = ("alerts",)
"""Services that run where the settings have a section of their name."""


def service(name: str) -> Open:
    """How the service of that name is opened. Raises `KeyError`."""
    if name not in (*SERVICES, *OPTIONAL):
        raise KeyError(name)
    return cast("Open", imported(f"services.{name.replace('-', '_')}.app").blueprint)


def wanted(settings: Settings) -> list[str]:
    """The services that these settings ask for."""
    return [*SERVICES, *[name for name in OPTIONAL if getattr(settings, name) is not None]]
