"""The sandbox answers every recorded exchange of a real WooCommerce as the real one did."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from tests.sandbox import woocommerce_world as world
from tests.sandbox.conftest import KEY, Woo
from tests.sandbox.woocommerce_world import (
    COFFEE,
    COFFEES,
    CUSTOMERS,
    DRAFT,
    GRAINS,
    GRAINS_APART,
    GUEST,
    MINIMAL,
    ON_HOLD,
    PAID,
    PUBLISHED,
    SHIRT,
    SHOP_GOODS,
    SIZES,
    STOREFRONT,
    TEA,
    TEAS,
    A,
    Step,
    capture,
    changed,
    order_of,
)

VOLATILE = frozenset(
    "id resource_id href permalink slug order_key number payment_url related_ids price_html avatar_url "
    "hooks customer_user_agent".split()
)
LESS = {
    "coupon-create": "coupons are not kept; recorded orders bring their coupon lines along",
    "coupon-create-duplicate": "coupons are not kept",
    "order-create-rest-coupon-shipping-fee-paid": "coupons are not kept, so the order is refused",
    "customer-create": "customers are not kept; orders carry all that is exported",
    "customer-create-duplicate-email": "customers are not kept",
    "customer-by-email": "customers are not kept",
    "webhook-customer-created": "customers are not kept, so nothing is told of them",
}
DISCOUNTED = {"regular_price": "45.50", "sale_price": "39.90"}
NOW_DISCOUNTED = {**DISCOUNTED, "date_on_sale_from": "2026-11-20", "date_on_sale_to": "2026-12-31"}
HUNDRED = [world.product(30 + n, {"name": f"S{n}", "sku": f"SKU-00{n:02}", "manage_stock": True}) for n in range(100)]


@dataclass(frozen=True)
class Key:
    """How a case signs in."""

    scheme: str = "https"
    pair: tuple[str, str] | None = KEY


KEYS = {
    "auth-none": Key(pair=None),
    "auth-basic-over-plain-http": Key(scheme="http"),
    "auth-wrong-key": Key(pair=("ck_unknown", "cs_sandbox")),
    "auth-wrong-secret": Key(pair=("ck_sandbox", "cs_wrong")),
    "auth-read-only-key-writes": Key(pair=("ck_sandbox_reads", "cs_sandbox_reads")),
    "auth-write-only-key-reads": Key(pair=("ck_sandbox_writes", "cs_sandbox_writes")),
}
GIVEN: dict[str, list[Step]] = {
    "categories-list": [COFFEES, GRAINS, GRAINS_APART, TEAS],
    "category-batch-one-duplicate": [COFFEES],
    "category-create-child": [COFFEES],
    "category-create-same-name": [COFFEES],
}


def exchanges() -> list[str]:
    """The cases that are requests to the shop."""
    return [name for name in world.names() if "response" in capture(name)]


def steady(value: Any) -> Any:
    """An answer without what differs from one shop to the next: ids, dates, addresses."""
    if isinstance(value, dict):
        return {k: kind(v) if k in VOLATILE or k.startswith("date_") else steady(v) for k, v in value.items()}
    return [steady(one) for one in value] if isinstance(value, list) else value


def kind(value: Any) -> str:
    """A JSON type's name."""
    return {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}.get(type(value), "number")


async def replayed(woo: Woo, name: str) -> httpx.Response:
    request, key = capture(name)["request"], KEYS.get(name, Key())
    world.build(woo.shop, GIVEN.get(name, SHOP_GOODS))
    body = request["body"]
    content = body if isinstance(body, str) else json.dumps(body)
    async with woo.via(f"{key.scheme}://127.0.0.1:8443", key.pair) as client:
        return await client.request(request["method"], request["path"], content=content if body is not None else None)


@pytest.mark.parametrize("name", [name for name in exchanges() if name not in LESS])
async def test_sandbox_answers_as_recorded(woo: Woo, name: str) -> None:
    answer = await replayed(woo, name)
    recorded = capture(name)["response"]
    assert answer.status_code == recorded["status"], answer.text
    assert steady(answer.json()) == steady(recorded["body"])
