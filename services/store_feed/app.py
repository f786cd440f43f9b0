"""store-feed: receives webhooks, polls the shops, publishes what changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from random import Random

from pydantic import SecretStr

from services.connectors.identity.guard import guard_delivery
from services.connectors.identity.status import with_identity
from services.connectors.upstreams import open_shops, shop_breaker
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.webhooks import WEBHOOK_PATH
from services.engine.clock import utc_now
from services.engine.outbox.engine import Engine
from services.engine.outbox.lane import Lane
from services.engine.runtime import serving
from services.engine.runtime.blueprint import Blueprint, Task
from services.engine.runtime.feed_watch import make_feed_watch_task as watch_feeds
from services.engine.runtime.feed_watch import with_feed_rules
from services.engine.state.database import restart_after_outages
from services.settings.model import ReceiverSettings, Settings
from services.store_feed import customers
from services.store_feed.customers import CustomerCheck
from services.store_feed.deliveries import OrderReadDeliveries
from services.store_feed.handlers import handlers, order_lane_name
from services.store_feed.identity import AcceptDeliveries, Registrar, with_known_orders
from services.store_feed.identity import identity_lane_name as identity_lane
from services.store_feed.inbox import Inbox
from services.store_feed.lost_orders import LostOrderSearch
from services.store_feed.records import NAME
from services.store_feed.sweep import OrderSweep, RefundCheck
from services.store_feed.webhook import WebhookReceiver
from services.store_feed.webhook_health import SignatureMonitor, watch_webhooks


async def serve_receiver(app: WebhookReceiver, settings: ReceiverSettings) -> None:
    """Serve webhooks until cancelled; requests in progress are answered first. Raises `CannotListen`."""
    await serving.serve(app, serving.ListenAddress(settings.host, settings.port, what="webhooks", section="receiver"))


Clock = Callable[[], datetime]


@asynccontextmanager
async def blueprint(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Blueprint]:
    """Wire the service: the webhook receiver, and for each shop its lanes, its sweep and its checks."""
    async with open_shops(settings, clock) as shops:
        guards = {name: Registrar(name, shop, settings.shops[name], clock) for name, shop in shops.items()}
        lost = LostOrderSearch(settings.state.directory)
        yield Blueprint(
            name=NAME,
            handlers=with_known_orders(with_identity(with_feed_rules(handlers(settings.shops)))),
            fingerprint="",
            lanes=[
                *[_order_lane(settings, shops[name], guard, clock) for name, guard in guards.items()],
                *[_customer_lane(settings, shops[name], guard, clock) for name, guard in guards.items()],
                *[_identity_lane(settings, name, shop, clock) for name, shop in shops.items()],
            ],
            tasks=[
                lost.read_lost_orders,
                *[_sweep(settings, shops[name], guard) for name, guard in guards.items()],
                *[_refund_check(settings, name) for name in shops],
                *[_customer_check(settings, shops[name], guard) for name, guard in guards.items()],
                *_webhook_watches(settings, shops, guards),
                watch_feeds(NAME, [f"orders:{name}" for name in shops], settings.freshness),
            ],
            early_tasks=[lost.keep_cursors, _receive(settings), *[guard.attach for guard in guards.values()]],
        )


def _order_lane(settings: Settings, shop: WooCommerce, guard: Registrar, clock: Clock) -> Lane:
    rules = settings.shops[guard.name]
    reads = OrderReadDeliveries(shop, rules.orders, clock, timedelta(seconds=settings.schedule.removal_wait))
    return Lane(
        order_lane_name(guard.name),
        guard_delivery(reads.deliver, guard),
        shop_breaker(settings, guard.name),
        concurrency=rules.concurrency,
    )


def _customer_lane(settings: Settings, shop: WooCommerce, guard: Registrar, clock: Clock) -> Lane:
    deliver = guard_delivery(customers.customer_deliveries(shop, clock), guard)
    return Lane(customers.customer_lane_name(guard.name), deliver, shop_breaker(settings, guard.name), concurrency=1)


def _identity_lane(settings: Settings, name: str, shop: WooCommerce, clock: Clock) -> Lane:
    deliver = AcceptDeliveries(shop, settings.shops[name], clock).deliver
    return Lane(identity_lane(name), deliver, shop_breaker(settings, name), concurrency=1)


def _sweep(settings: Settings, shop: WooCommerce, guard: Registrar) -> Task:
    return lambda engine: OrderSweep(engine, guard.name, shop, settings.schedule, guard.shut).run()


def _refund_check(settings: Settings, name: str) -> Task:
    return lambda engine: RefundCheck(engine, name, settings.schedule).run()


def _customer_check(settings: Settings, shop: WooCommerce, guard: Registrar) -> Task:
    return lambda engine: CustomerCheck(engine, guard.name, shop, settings.schedule, guard.shut).run()


def _webhook_watches(
    settings: Settings, shops: Mapping[str, WooCommerce], guards: Mapping[str, Registrar]
) -> list[Task]:
    base = settings.receiver.public_url
    if base is None:
        return []
    secrets = {name: settings.shops[name].webhook_secrets() for name in shops}
    address = base.rstrip("/") + WEBHOOK_PATH
    return [
        _watch(guards[name], shop, address + name, secrets[name][0]) for name, shop in shops.items() if secrets[name]
    ]


def _watch(guard: Registrar, shop: WooCommerce, delivery_url: str, secret: SecretStr) -> Task:
    return lambda _: watch_webhooks(guard.name, shop, delivery_url, secret, guard.shut)


def _receive(settings: Settings) -> Task:
    secrets = {
        name: [secret.get_secret_value().encode() for secret in shop.webhook_secrets()]
        for name, shop in settings.shops.items()
    }

    async def receive(engine: Engine) -> None:
        inbox, monitor = Inbox(engine.database), SignatureMonitor()
        app = WebhookReceiver(secrets, inbox.accept, monitor.record, Random())
        async with asyncio.TaskGroup() as tasks:
            for work in (inbox.run, monitor.run):  # a full disk must not end the receiver: it answers 503 meanwhile
                tasks.create_task(restart_after_outages(engine.database, partial(work, engine)))
            tasks.create_task(serve_receiver(app, settings.receiver))

    return receive
