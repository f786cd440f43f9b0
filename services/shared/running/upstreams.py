"""Opening the upstreams of a service from the settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from services.shared.delivery.backoff import unavailable_wait
from services.shared.delivery.breaker import Breaker
from services.shared.settings.model import Settings
from services.shared.woocommerce.client import WooCommerce


def open_shop(settings: Settings, name: str, clock: Callable[[], datetime]) -> WooCommerce:
    """The client of a shop. Raises `SecretMissing` when its key or secret cannot be read."""
    key, secret = settings.shops[name].credentials()
    return WooCommerce(name, settings.shops[name], key, secret, clock=clock)


def breaker(settings: Settings) -> Breaker:
    """A breaker with the settings' waits; one per upstream and service."""
    retry = settings.retry
    return Breaker(partial(unavailable_wait, first=retry.first_wait, longest=retry.longest_wait))
