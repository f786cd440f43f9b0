"""The sandbox answers every recorded exchange of a real WooCommerce as the real one did."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.sandbox import woocommerce_world as world
from tests.sandbox.sample_woocommerce import given
from tests.sandbox.woocommerce_bench import KEY, Woo
from tests.sandbox.woocommerce_world import capture

VOLATILE = frozenset(
    [
        "id",
        "resource_id",
        "href",
        "permalink",
        "slug",
        "order_key",
        "payment_url",
        "number",
        "related_ids",
        "price_html",
    ]
)
ALSO_VOLATILE = {
    # which of the products of one second comes first is the database's secret
    "product-list-search-sku": frozenset(("name", "sku", "stock_quantity")),
    "product-delete-force": frozenset(("value",)),  # when it was trashed
}
LESS = {
    "coupon-create": "coupons are not kept; recorded orders bring their coupon lines along",
    "coupon-create-duplicate": "coupons are not kept",
    "order-create-rest-coupon-shipping-fee-paid": "coupons are not kept, so an order with one is refused",
}


@dataclass(frozen=True)
class Caller:
    """How a case signs in."""

    scheme: str = "https"
    key: tuple[str, str] | None = KEY


CALLERS = {
    "auth-none": Caller(key=None),
    "auth-basic-over-plain-http": Caller(scheme="http"),
    "auth-wrong-key": Caller(key=("ck_unknown", "cs_sandbox")),
    "auth-wrong-secret": Caller(key=("ck_sandbox", "cs_wrong")),
    "auth-read-only-key-writes": Caller(key=("ck_sandbox_reads", "cs_sandbox_reads")),
    "auth-write-only-key-reads": Caller(key=("ck_sandbox_writes", "cs_sandbox_writes")),
}
HEADERS = ("X-WP-Total", "X-WP-TotalPages", "Content-Type")


def exchanges() -> list[str]:
    """The cases that are requests to the shop."""
    return [name for name in world.names() if "response" in capture(name)]


def steady(value: Any, volatile: frozenset[str]) -> Any:
    """An answer in which what differs from shop to shop (ids, dates, addresses) is only its JSON type."""
    if isinstance(value, dict):
        return {k: kind(v) if k in volatile or k.startswith("date_") else steady(v, volatile) for k, v in value.items()}
    return [steady(one, volatile) for one in value] if isinstance(value, list) else value


def kind(value: Any) -> str:
    """A JSON type's name."""
    names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")


async def replayed(woo: Woo, name: str) -> httpx.Response:
    """The sandbox's answer to a recorded request, in the shop as it was then."""
    request, caller = capture(name)["request"], CALLERS.get(name, Caller())
    world.build(woo.shop, given(name))
    body = request["body"]
    content = None if body is None else body if isinstance(body, str) else json.dumps(body)
    async with woo.via(f"{caller.scheme}://127.0.0.1:8443", caller.key) as client:
        return await client.request(request["method"], request["path"], content=content)


def difference(name: str, answer: httpx.Response) -> str:
    """How an answer differs from the recorded one; empty when it does not."""
    recorded = capture(name)["response"]
    volatile = VOLATILE | ALSO_VOLATILE.get(name, frozenset())
    if answer.status_code != recorded["status"]:
        return f"{answer.status_code} instead of {recorded['status']}: {answer.text[:300]}"
    expected, got = (steady(body, volatile) for body in (recorded["body"], answer.json()))
    return "" if got == expected else f"answered {got}\nrecorded {expected}"


@pytest.mark.parametrize("name", [name for name in exchanges() if name not in LESS])
async def test_the_sandbox_answers_as_the_real_shop_did(woo: Woo, name: str) -> None:
    answer = await replayed(woo, name)
    assert difference(name, answer) == ""


@pytest.mark.parametrize("name", [name for name in exchanges() if name not in LESS])
async def test_the_headers_that_clients_read_are_as_recorded(woo: Woo, name: str) -> None:
    answer = await replayed(woo, name)
    recorded = httpx.Headers(capture(name)["response"]["headers"])
    assert {h: answer.headers.get(h) for h in HEADERS} == {h: recorded.get(h) for h in HEADERS}


@pytest.mark.parametrize("name", LESS)
async def test_what_is_listed_as_missing_is_missing(woo: Woo, name: str) -> None:
    answer = await replayed(woo, name)
    assert difference(name, answer) != "", f"{name} is answered as recorded: take it out of LESS"
