"""All services by name. A service is imported when it is loaded."""

from __future__ import annotations

import gc
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from services.engine.runtime.blueprint import Blueprint
    from services.settings.model import Settings

    Open = Callable[[Settings], AbstractAsyncContextManager[Blueprint]]


def import_quickly(name: str) -> ModuleType:
    """Import a module with the garbage collector paused, which makes commands start 15 % faster.

    Modules are never freed, so the collector would search them without result while they are created.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return import_module(name)
    finally:
        if collecting:
            gc.enable()


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
"""Services that run only if the settings have a section of that name."""
PAGES = ("console",)
"""The same, for services without a container of their own: they run in `davtari up` and `davtari run`."""


def load_blueprint(name: str) -> Open:
    """The function that opens a service. Raises `KeyError` for an unknown name."""
    if name not in (*SERVICES, *OPTIONAL_SERVICES, *PAGES):
        raise KeyError(name)
    return cast("Open", import_quickly(f"services.{name.replace('-', '_')}.app").blueprint)


def configured_services(settings: Settings) -> list[str]:
    """The names of the services that these settings need."""
    return [*SERVICES, *[name for name in (*OPTIONAL_SERVICES, *PAGES) if getattr(settings, name) is not None]]
