"""Every service by its name: the only place that knows them all. Each is imported when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from services.cli.imports import imported

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from services.engine.runtime.blueprint import Blueprint
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
OPTIONAL_SERVICES = ("alerts",)
"""Services that run where the settings have a section of their name."""


def load_blueprint(name: str) -> Open:
    """How the service of that name is opened. Raises `KeyError`."""
    if name not in (*SERVICES, *OPTIONAL_SERVICES):
        raise KeyError(name)
    return cast("Open", imported(f"services.{name.replace('-', '_')}.app").blueprint)


def configured_services(settings: Settings) -> list[str]:
    """The services that these settings ask for."""
    return [*SERVICES, *[name for name in OPTIONAL_SERVICES if getattr(settings, name) is not None]]
