"""store-feed: takes webhooks, polls the shops, states what changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import datetime
from random import Random

import uvicorn
from pydantic import SecretStr

from services.shared.delivery.breaker import Breaker
from services.shared.delivery.engine import Engine
from services.shared.delivery.lane import Lane
from services.shared.running.service import Blueprint, Task, utc_now
from services.shared.running.upstreams import breaker, open_shop
from services.shared.settings.model import Settings
from services.shared.woocommerce.client import WooCommerce
from services.store_feed.deliveries import Looks
from services.store_feed.handlers import NAME, handlers, lane
from services.store_feed.inbox import Inbox
from services.store_feed.sweep import Sweep
from services.store_feed.watchdog import watch
from services.store_feed.webhook import PATH, Receiver

Clock = Callable[[], datetime]


@asynccontextmanager
async def blueprint(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Blueprint]:
    """The service, wired: the receiver, a lane of looks and a sweep for each shop."""
    async with AsyncExitStack() as stack:
        shops = {name: await stack.enter_async_context(open_shop(settings, name, clock)) for name in settings.shops}
        yield Blueprint(
            name=NAME,
            handlers=handlers(),
            fingerprint="",
            lanes=[_lane(settings, name, shop, breaker(settings), clock) for name, shop in shops.items()],
            tasks=[_sweep(settings, name, shop) for name, shop in shops.items()] + _watchdogs(settings, shops),
            early_tasks=[_receive(settings)],
        )


def _lane(settings: Settings, name: str, shop: WooCommerce, breaker_: Breaker, clock: Clock) -> Lane:
    looks = Looks(shop, settings.shops[name].orders, clock)
    return Lane(lane(name), looks.deliver, breaker_, concurrency=settings.shops[name].concurrency)


def _sweep(settings: Settings, name: str, shop: WooCommerce) -> Task:
    return lambda engine: Sweep(engine, name, shop, settings.schedule).run()


def _watchdogs(settings: Settings, shops: dict[str, WooCommerce]) -> list[Task]:
    base = settings.receiver.public_url
    if base is None:
        return []
    secrets = {name: settings.shops[name].webhook_secrets() for name in shops}
    address = base.rstrip("/") + PATH
    return [_watch(name, shop, address + name, secrets[name][0]) for name, shop in shops.items() if secrets[name]]


def _watch(name: str, shop: WooCommerce, delivery_url: str, secret: SecretStr) -> Task:
    return lambda _: watch(name, shop, delivery_url, secret)


def _receive(settings: Settings) -> Task:
    secrets = {
        name: [secret.get_secret_value().encode() for secret in shop.webhook_secrets()]
        for name, shop in settings.shops.items()
    }

    async def receive(engine: Engine) -> None:
        inbox = Inbox(engine.database)
        app = Receiver(secrets, inbox.accept, Random())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(inbox.run(engine))
            tasks.create_task(_serve(app, settings))

    return receive


async def _serve(app: Receiver, settings: Settings) -> None:
    config = uvicorn.Config(
        app,
        host=settings.receiver.host,
        port=settings.receiver.port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=60,
    )
    await _Quiet(config).serve()


class _Quiet(uvicorn.Server):
    """A server inside a service: the process' own signal handling stays in charge."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
