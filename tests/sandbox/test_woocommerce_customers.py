"""Deleting a customer account: final, announced only for customers, and its orders become a guest's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.sandbox import woocommerce_world as world
from tests.sandbox.woocommerce_bench import Woo

CUSTOMERS = "/wp-json/wc/v3/customers"
ORDERS = "/wp-json/wc/v3/orders"
NINO = {"email": "nino@example.test", "username": "nino"}


async def ordered(woo: Woo, customer_id: int) -> int:
    """The number of an order that an account has placed."""
    made = (await woo.client.post(ORDERS, json={"customer_id": customer_id, "status": "processing"})).json()
    return int(made["id"])


async def test_an_account_is_only_deleted_for_good(woo: Woo) -> None:
    world.build(woo.shop, [world.customer(7, NINO)])
    kept = await woo.client.delete(f"{CUSTOMERS}/7")
    gone = await woo.client.delete(f"{CUSTOMERS}/7?force=true")
    again = await woo.client.delete(f"{CUSTOMERS}/7?force=true")
    asked = await woo.client.get(f"{CUSTOMERS}/7")
    assert [each.status_code for each in (kept, gone, again, asked)] == [501, 200, 400, 404]
    assert (gone.json()["id"], gone.json()["email"]) == (7, "nino@example.test")
    assert asked.json()["code"] == "woocommerce_rest_invalid_id"


@pytest.mark.parametrize(("stored", "dated"), [("own-tables", True), ("both", True), ("posts", False)])
async def test_its_orders_become_a_guests_and_no_webhook_is_sent(woo: Woo, stored: str, dated: bool) -> None:
    woo.shop.settings = replace(woo.shop.settings, orders_in=stored)
    world.build(woo.shop, [world.customer(7, NINO), world.customer(8, {"email": "levan@example.test"})])
    order, other = await ordered(woo, 7), await ordered(woo, 8)
    before = woo.shop.orders[order]["date_modified_gmt"]
    world.build(woo.shop, [world.webhook(1, "order.updated")])
    woo.clock.forward(hours=1)
    await woo.client.delete(f"{CUSTOMERS}/7?force=true")
    assert [woo.shop.orders[one]["customer_id"] for one in (order, other)] == [0, 8]
    assert (woo.shop.orders[order]["date_modified_gmt"] != before) is dated
    assert not woo.deliveries.pending


@pytest.mark.parametrize(("role", "bodies"), [("customer", [b'{"id":7}']), ("wholesale", [])])
async def test_a_deleted_customer_is_announced_with_the_bare_id(woo: Woo, role: str, bodies: list[bytes]) -> None:
    world.build(woo.shop, [world.customer(7, NINO), world.webhook(1, "customer.deleted")])
    woo.shop.customers[7]["role"] = role
    await woo.client.delete(f"{CUSTOMERS}/7?force=true")
    await woo.deliveries.drain_all()
    assert [body for _, body in woo.receiver.signed()] == bodies
