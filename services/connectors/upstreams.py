"""Opens the clients of a service's upstreams from the settings, and builds the lanes to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from services.connectors.woocommerce.client import WooCommerce
from services.engine.backoff import LONGEST_WAIT, unavailable_wait
from services.engine.clock import Clock
from services.engine.outbox.breaker import Breaker, add_listener
from services.engine.outbox.lane import Deliver, Lane
from services.settings.model import Settings


def open_shop(settings: Settings, name: str, clock: Clock) -> WooCommerce:
    """The client of a shop. Raises `SecretMissing` when its key or secret cannot be read."""
    key, secret = settings.shops[name].credentials()
    return WooCommerce(name, settings.shops[name], key, secret, clock=clock)


@asynccontextmanager
async def open_shops(settings: Settings, clock: Clock) -> AsyncIterator[Mapping[str, WooCommerce]]:
    """The clients of all shops; they are closed at the end."""
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(open_shop(settings, name, clock)) for name in settings.shops}


def breaker(settings: Settings, address: str = "") -> Breaker:
    """A breaker with the waits of the settings; any answered call of this process to the same address closes it."""
    retry = settings.retry
    made = Breaker(partial(unavailable_wait, first=retry.first_wait, longest=min(retry.longest_wait, LONGEST_WAIT)))
    if address:
        add_listener(address, made)
    return made


def shop_breaker(settings: Settings, shop: str) -> Breaker:
    """The breaker of a lane that calls a shop."""
    return breaker(settings, settings.shops[shop].url)


def shop_lane(settings: Settings, shop: str, name: str, deliver: Deliver) -> Lane:
    """A lane that writes to a shop in batches, with the shop's concurrency and a breaker of its own."""
    rules = settings.shops[shop]
    return Lane(name, deliver, shop_breaker(settings, shop), rules.batch_size, rules.concurrency)


def balance_lanes(settings: Settings, deliveries: Mapping[str, Deliver]) -> list[Lane]:
    """The lanes to Balance, with one document per call and one breaker for all."""
    shared, at_once = breaker(settings, settings.balance.base_url()), settings.balance.concurrency
    return [Lane(name, deliver, shared, batch=1, concurrency=at_once) for name, deliver in deliveries.items()]
