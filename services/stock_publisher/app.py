"""stock-publisher: computes stock figures from Balance's stock and the shop's orders, and writes them to the shop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from services.accounting.checks.gates import shop_gate
from services.connectors.identity.guard import ShopGuard, guard_lane
from services.connectors.identity.status import with_identity
from services.connectors.upstreams import open_shops, shop_lane
from services.connectors.woocommerce.client import WooCommerce
from services.engine.clock import Clock, utc_now
from services.engine.outbox.lane import Lane
from services.engine.runtime.blueprint import Blueprint, Task, fingerprint
from services.settings.model import Settings
from services.stock_publisher.decide import stock_lane_name
from services.stock_publisher.deliveries import StockDeliveries
from services.stock_publisher.drift import DriftWatch
from services.stock_publisher.handlers import handlers
from services.stock_publisher.order_list import ShopOrderList
from services.stock_publisher.unread_orders import UnreadOrderGuard

NAME = "stock-publisher"
FLOWS = frozenset({"stock"})
AT_ONCE = 8
"""The number of concurrent batches of figures; most of them wait for the order list."""


@asynccontextmanager
async def blueprint(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Blueprint]:
    """Wire the service: one lane of stock writes per shop."""
    async with open_shops(settings, clock) as shops:
        guards = {name: ShopGuard(name, shop, settings.shops[name], clock) for name, shop in shops.items()}
        orders = {n: ShopOrderList(settings, n, shop, _longest_unread(settings), clock) for n, shop in shops.items()}
        unread = {name: UnreadOrderGuard(each, clock) for name, each in orders.items()}
        lanes = [guard_lane(stock_lane(settings, n, s, clock, unread[n]), guards[n]) for n, s in shops.items()]
        gates = [gate for n, shop in shops.items() for gate in shop_gate(settings, n, shop, stock_lane_name(n), FLOWS)]
        tasks = [_drift(settings, shops[name], guard) for name, guard in guards.items()]
        tasks += [each.follow for each in unread.values()]
        rules = fingerprint(settings.shops.values())
        attached = [*[guard.attach for guard in guards.values()], *[each.attach for each in orders.values()]]
        yield Blueprint(
            NAME,
            with_identity(handlers(settings)),
            rules,
            lanes,
            early_tasks=attached,
            gates=gates,
            tasks=tasks,
            personal=False,
        )


def stock_lane(settings: Settings, name: str, shop: WooCommerce, clock: Clock, unread: UnreadOrderGuard) -> Lane:
    """Return the lane of a shop's stock writes.

    Deliveries that wait for the order list make no requests; the shop's client limits the others.
    """
    deliver = unread.guard(StockDeliveries(shop, clock, settings.shops[name].batch_size))
    return replace(shop_lane(settings, name, stock_lane_name(name), deliver), concurrency=AT_ONCE)


def _longest_unread(settings: Settings) -> timedelta:
    """store-feed reads an order within two sweeps, even without a webhook."""
    return timedelta(seconds=2 * settings.schedule.sweep + settings.schedule.sweep_overlap)


def _drift(settings: Settings, shop: WooCommerce, guard: ShopGuard) -> Task:
    """Watch for drift only where the figures are written."""
    rules = settings.shops[guard.name]
    stock = rules.stock if rules.flows.stock == "live" else rules.stock.model_copy(update={"drift": "off"})
    return lambda engine: DriftWatch(engine, guard.name, shop, stock, guard.shut).run()
