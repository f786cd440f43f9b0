"""catalog-importer: creates and updates WooCommerce products from Balance's items and prices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from services.accounting.checks.gates import shop_gate
from services.catalog_importer.decide import product_lane_name
from services.catalog_importer.deliveries import ProductDeliveries
from services.catalog_importer.handlers import handlers, rules_fingerprint
from services.catalog_importer.pictures import PictureSource, open_pictures
from services.catalog_importer.requests import NAME
from services.connectors.identity.guard import ShopGuard, guard_lane
from services.connectors.identity.status import with_identity
from services.connectors.upstreams import open_shops, shop_lane
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.products import MOST_SKUS
from services.engine.clock import Clock, utc_now
from services.engine.outbox.lane import Lane
from services.engine.runtime.blueprint import Blueprint
from services.settings.model import Settings

FLOWS = frozenset({"catalogue", "prices"})


@asynccontextmanager
async def blueprint(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Blueprint]:
    """Wire the service: one lane of product writes per shop."""
    async with open_shops(settings, clock) as shops, open_pictures(settings, clock) as pictures:
        guards = {name: ShopGuard(name, shop, settings.shops[name], clock) for name, shop in shops.items()}
        lanes = [
            guard_lane(product_lane(settings, name, shop, clock, pictures.get(name)), guards[name])
            for name, shop in shops.items()
        ]
        gates = [
            gate for n, shop in shops.items() for gate in shop_gate(settings, n, shop, product_lane_name(n), FLOWS)
        ]
        attached = [guard.attach for guard in guards.values()]
        yield Blueprint(
            NAME,
            with_identity(handlers(settings)),
            rules_fingerprint(settings),
            lanes,
            early_tasks=attached,
            gates=gates,
            personal=False,
        )


def product_lane(
    settings: Settings, name: str, shop: WooCommerce, clock: Clock, pictures: PictureSource | None = None
) -> Lane:
    """Return the lane of a shop's product writes; it takes as many rows as one look-up covers."""
    deliveries = ProductDeliveries(settings.shops[name], shop, clock, pictures)
    return replace(
        shop_lane(settings, name, product_lane_name(name), deliveries),
        batch=max(settings.shops[name].batch_size, MOST_SKUS),
    )
