"""The shop answers like WooCommerce 9.9.5 or 10.5.0, and there may be a page cache in front of it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from services.sandbox.faults import FaultInjector, InjectedFault
from services.sandbox.woocommerce.app import create_shop
from services.sandbox.woocommerce.shop import Release, SandboxShopSettings

AUTH = ("ck_sandbox", "cs_sandbox")
LINES = [{"name": "Tea", "product_id": 10, "quantity": 1, "total": "62.957627"}]
FEES = [{"name": "Packing", "total": "1.694915"}]
SHIPPING = [{"method_id": "flat_rate", "method_title": "Courier", "total": "4.24"}]


def shop(version: Release) -> tuple[httpx.AsyncClient, Any, FaultInjector]:
    """A shop of this version."""
    app = create_shop(SandboxShopSettings(version=version))
    faults = FaultInjector(app)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(faults), base_url="https://shop.test", auth=AUTH)
    return client, app.state.shop, faults


async def taxes(client: httpx.AsyncClient, path: str, **params: str) -> list[str]:
    """The taxes by rate of all lines of a record."""
    record = (await client.get(f"/wp-json/wc/v3{path}", params=params)).json()
    record = record[0] if isinstance(record, list) else record
    lines = [line for part in ("line_items", "shipping_lines", "fee_lines") for line in record[part]]
    return [tax["total"] for line in lines for tax in line["taxes"]]


@pytest.mark.parametrize(
    ("version", "plain"),
    [("9.9.5", ["0.7632", "0.305085"]), ("10.5.0", ["0.76", "0.31"])],
)
async def test_taxes_by_rate_are_rounded_from_10_5_on_unless_more_decimals_are_asked_for(
    version: Release, plain: list[str]
) -> None:
    client, _, _ = shop(version)
    async with client:
        body = {"shipping_lines": SHIPPING, "fee_lines": FEES, "line_items": LINES}
        order = (await client.post("/wp-json/wc/v3/orders", json=body)).json()
        path = f"/orders/{order['id']}"
        finer = (await client.get(f"/wp-json/wc/v3{path}", params={"dp": "6"})).json()

        assert await taxes(client, path) == plain
        assert await taxes(client, "/orders") == plain
        assert [float(tax) for tax in await taxes(client, path, dp="6")] == [0.7632, 0.305085]
        assert (order["version"], finer["fee_lines"][0]["total"], finer["total"]) == (version, "1.690000", "69.960000")


@pytest.mark.parametrize(("version", "plain"), [("9.9.5", ["-0.305085"]), ("10.5.0", ["-0.31"])])
async def test_so_are_those_of_refunds(version: Release, plain: list[str]) -> None:
    client, _, _ = shop(version)
    async with client:
        order = (await client.post("/wp-json/wc/v3/orders", json={"fee_lines": FEES, "set_paid": True})).json()
        given = {"refund_total": "1.69", "refund_tax": [{"id": 1, "refund_total": "0.305085"}]}
        back = [{"id": order["fee_lines"][0]["id"], **given}]
        path = f"/orders/{order['id']}/refunds"
        await client.post(f"/wp-json/wc/v3{path}", json={"amount": "2.00", "api_refund": False, "line_items": back})

        assert await taxes(client, path) == plain
        assert await taxes(client, path, dp="6") == ["-0.305085"]


@pytest.mark.parametrize(
    ("past", "params", "headers", "status"),
    [
        ("query", {}, {}, "pending"),
        ("query", {"_": "1"}, {}, "completed"),
        ("query", {}, {"Cache-Control": "no-cache"}, "pending"),
        ("header", {"_": "1"}, {}, "pending"),
        ("header", {}, {"Cache-Control": "no-cache"}, "completed"),
        ("nothing", {"_": "1"}, {"Cache-Control": "no-cache"}, "pending"),
    ],
)
async def test_what_gets_past_a_page_cache(
    past: str, params: dict[str, str], headers: dict[str, str], status: str
) -> None:
    client, _, faults = shop("9.9.5")
    async with client:
        order = (await client.post("/wp-json/wc/v3/orders", json={"fee_lines": FEES, "status": "pending"})).json()
        path = f"/wp-json/wc/v3/orders/{order['id']}"
        fault = faults.add(
            InjectedFault.model_validate({"kind": "cache", "match": r"GET .*/orders/\d+$", "past": past})
        )
        first = (await client.get(path)).json()["status"]
        await client.put(path, json={"status": "completed"})

        assert first == "pending"
        assert (await client.get(path, params=params, headers=headers)).json()["status"] == status
        faults.clear(fault)
        assert (await client.get(path)).json()["status"] == "completed"
