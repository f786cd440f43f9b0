"""An import leaves the shop its workers: a shopper waits no longer while thousands of products are written."""

from __future__ import annotations

import asyncio
from statistics import quantiles
from time import perf_counter

import httpx
import pytest
from pydantic import SecretStr

from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.product import ProductWrite
from services.sandbox.woocommerce.app import create_shop
from services.sandbox.woocommerce.products import Products
from services.sandbox.woocommerce.shop import SandboxPace
from services.sandbox.woocommerce.shop import SandboxShopSettings as SandboxSettings
from services.settings.shop import ShopSettings
from tests.catalog_importer.catalogue_bench import HOME
from tests.support.memory_state import NOON

PACE = SandboxPace(workers=4, request_seconds=0.04, item_seconds=0.02)
"""Four workers; a batch of ten holds one for a quarter of a second."""
VISITS, BATCHES, PRODUCTS = 24, 14, 10


def settings(**more: int) -> ShopSettings:
    """The default settings of the shop."""
    return ShopSettings.model_validate({"url": HOME, "key_file": "key", "secret_file": "secret", **more})


async def visit_seconds(during_import: int | None) -> float:
    """p95 of a shopper's own requests, alone or beside an import of so many requests at once (0: as settings come)."""
    app = create_shop(SandboxSettings(home_url=HOME, hold_deliveries=True, pace=PACE), now=lambda: NOON)
    product = int(Products(app.state.shop).create({"name": "Tea"}, strict=False)["id"])
    rules = settings(concurrency=during_import) if during_import else settings()
    async with client(app, settings()) as shopper, client(app, rules) as importer:
        importing = asyncio.create_task(_import(importer)) if during_import is not None else None
        times = [await _visit(shopper, product) for _ in range(VISITS)]
        if importing:
            importing.cancel()
            await asyncio.gather(importing, return_exceptions=True)
    return quantiles(times, n=20)[-1]


def client(app: httpx.ASGITransport, rules: ShopSettings) -> WooCommerce:
    """A client of the shop."""
    key, secret, transport = SecretStr("ck_sandbox"), SecretStr("cs_sandbox"), httpx.ASGITransport(app)  # type: ignore[arg-type]
    return WooCommerce("main", rules, key, secret, clock=lambda: NOON, transport=transport)


async def _import(importer: WooCommerce) -> None:
    """Writes one product after the other, until it is cancelled."""
    writes = [ProductWrite(id=number, name="Tea") for number in range(1000, 1000 + PRODUCTS)]
    while True:
        await asyncio.gather(*[importer.update_products(writes) for _ in range(BATCHES)])


async def _visit(shopper: WooCommerce, product: int) -> float:
    begun = perf_counter()
    assert await shopper.product(product) is not None
    return perf_counter() - begun


@pytest.mark.claim("S0.20")
async def test_a_shopper_waits_no_longer_while_an_import_runs() -> None:
    alone, beside, unbounded = [await visit_seconds(how) for how in (None, 0, 8)]
    assert beside < 2 * alone, f"p95 of a visit: {alone:.3f} s alone, {beside:.3f} s during an import"
    # the measure sees a shop that is starved: eight requests at once leave none of its four workers free
    assert unbounded > 2 * alone, f"p95 of a visit: {alone:.3f} s alone, {unbounded:.3f} s beside eight at once"
