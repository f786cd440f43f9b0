"""order-exporter: writes orders to Balance as clients, Sales, sales orders and payment receipts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from services.accounting.checks.gates import orders_gate, receipts_gate
from services.connectors.balance.client import Balance
from services.connectors.identity.guard import DocumentGuard
from services.connectors.identity.status import with_identity
from services.connectors.upstreams import balance_lanes, open_shop, shop_breaker
from services.connectors.woocommerce.client import WooCommerce
from services.engine.clock import Clock, utc_now
from services.engine.outbox.lane import Lane
from services.engine.runtime.blueprint import Blueprint, fingerprint
from services.engine.telemetry.families import ReadMetrics
from services.order_exporter.contact_delivery import deliver_contacts
from services.order_exporter.contact_merges import contact_lane
from services.order_exporter.deliveries import deliveries
from services.order_exporter.handlers import CLIENT_LANE, SALE_LANE, handlers
from services.order_exporter.projection import SERVICE
from services.order_exporter.readings import SalesOnTimeReadings, UndocumentedOrdersReadings, UntouchedOrdersReadings
from services.order_exporter.receipt_handlers import RECEIPT_LANE
from services.settings.model import Settings


@asynccontextmanager
async def _open_merging_shops(settings: Settings, clock: Clock) -> AsyncIterator[Mapping[str, WooCommerce]]:
    """The shops whose contacts are merged; the API keys of other shops are not needed."""
    names = [name for name, shop in settings.shops.items() if shop.orders.clients.contacts.by_field()]
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(open_shop(settings, name, clock)) for name in names}


def _contact_lane(
    settings: Settings, name: str, shop: WooCommerce, balance: Balance, guard: DocumentGuard, clock: Clock
) -> Lane:
    """A lane with its own circuit breaker, so that an unavailable shop does not delay Sales."""
    deliver = guard.guard_delivery(deliver_contacts(balance, shop, clock))
    return Lane(
        contact_lane(name), deliver, shop_breaker(settings, name), batch=1, concurrency=settings.shops[name].concurrency
    )


@asynccontextmanager
async def blueprint(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Blueprint]:
    """The service: lanes for clients, Sales and receipts, and a lane for each shop that merges contacts."""
    password = settings.balance.password()
    async with Balance(settings.balance, password) as balance, _open_merging_shops(settings, clock) as shops:
        guard, effects = DocumentGuard(), deliveries(balance, settings.balance.dialect, clock)
        lanes = balance_lanes(settings, {name: guard.guard_delivery(deliver) for name, deliver in effects.items()})
        lanes += [_contact_lane(settings, name, shop, balance, guard, clock) for name, shop in shops.items()]
        rules = fingerprint([settings.balance, *settings.shops.values()])
        gates = [
            *orders_gate(settings, balance, [CLIENT_LANE, SALE_LANE, *[contact_lane(name) for name in shops]]),
            *receipts_gate(settings, balance, [RECEIPT_LANE]),
        ]
        early, known = [guard.attach], with_identity(handlers(settings))
        yield Blueprint(SERVICE, known, rules, lanes, early_tasks=early, readings=_readings(settings), gates=gates)


def _readings(settings: Settings) -> list[ReadMetrics]:
    shops, objective = settings.shops, settings.freshness
    return [
        UndocumentedOrdersReadings(shops),
        SalesOnTimeReadings(shops, objective),
        UntouchedOrdersReadings(shops, objective),
    ]
