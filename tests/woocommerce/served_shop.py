"""A shop that is called over a socket."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import SecretStr

from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.product import ProductWrite
from services.sandbox.server import Endpoint
from tests.woocommerce.shop_double import settings


def now() -> datetime:
    return datetime.now(UTC)


def open_client(served: Endpoint, key: str = "ck_sandbox", secret: str = "cs_sandbox", **more: Any) -> WooCommerce:
    parts = {"url": served.url, "ca_file": served.ca_file} | more.pop("settings", {})
    return WooCommerce("main", settings(**parts), SecretStr(key), SecretStr(secret), **{"clock": now} | more)


NEW_PRODUCTS = [
    ProductWrite(name="ყავა & ჩაი", sku="COF 1.5+&ი", status="draft", regular_price=Decimal("45.50")),
    ProductWrite(name="ჩაი", sku="TEA", status="draft", manage_stock=True, stock_quantity=7),
]
