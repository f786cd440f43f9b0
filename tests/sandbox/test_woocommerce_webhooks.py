"""Webhooks: pings, signed deliveries as recorded, failures, duplicates, losses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest

from services.sandbox.woocommerce.delivery import DeliveryManner
from tests.sandbox import woocommerce_world as world
from tests.sandbox.sample_woocommerce import COFFEE, COFFEES, GUEST
from tests.sandbox.woocommerce_bench import Woo
from tests.sandbox.woocommerce_world import capture

SECRET = "throwaway-webhook-secret"
HOOK = {"topic": "order.updated", "delivery_url": "http://davtari.test/hook", "secret": SECRET}
ENVELOPE = {"x-wc-webhook-source", "x-wc-webhook-topic", "x-wc-webhook-resource", "x-wc-webhook-event", "user-agent"}


def deliveries() -> list[str]:
    """The recorded deliveries (a ping is none)."""
    return [n for n in world.names() if "response" not in capture(n) and n != "webhook-ping-on-activation"]


def shape(value: Any) -> Any:
    """Keys and JSON types, recursively; a list is the set of its elements' shapes."""
    if isinstance(value, dict):
        return tuple(sorted((name, shape(inner)) for name, inner in value.items()))
    if isinstance(value, list):
        return frozenset(map(shape, value))
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def signature(body: bytes) -> str:
    """What the receiver expects."""
    return base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()


def plant(woo: Woo, name: str, body: dict[str, Any]) -> None:
    """Puts the object of a recorded delivery into the shop, if it was there."""
    if "line_items" in body:
        world.build(woo.shop, [world.order(body), world.refunds(body["id"], refunds_of(name))])
    elif "username" in body:
        world.build(woo.shop, [world.customer(body["id"], {n: body[n] for n in ("email", "username", "billing")})])
    elif "regular_price" in body:
        garbage_date = world.changed(10, {"date_on_sale_from": "garbage", "stock_quantity": 98})
        world.build(woo.shop, [COFFEES, COFFEE, garbage_date])
        woo.shop.products[10]["related_ids"] = body["related_ids"]


def refunds_of(name: str) -> list[dict[str, Any]]:
    """The refunds that the order of a recorded delivery had."""
    cases = {
        "webhook-order-updated-partial-refund": "refund-partial-one-line",
        "webhook-order-updated-full-refund": "refund-full-all-lines",
    }
    return [capture(cases[name])["response"]["body"]] if name in cases else []


async def delivered(woo: Woo, name: str) -> tuple[httpx.Headers, bytes]:
    """The sandbox's delivery of the event of a recorded one."""
    body = capture(name)["request"]["body"]
    topic = httpx.Headers(capture(name)["request"]["headers"])["x-wc-webhook-topic"]
    plant(woo, name, body)
    world.build(woo.shop, [world.webhook(3, topic)])
    woo.shop.announce(topic, body.get("id", 4961))
    await woo.deliveries.drain_all()
    [delivery] = woo.receiver.signed()
    return delivery


@pytest.mark.parametrize("name", deliveries())
async def test_a_delivery_looks_as_recorded(woo: Woo, name: str) -> None:
    headers, body = await delivered(woo, name)
    recorded = httpx.Headers(capture(name)["request"]["headers"])
    connection = {"host", "connection", "accept-encoding", "accept", "content-length"}
    assert {h: headers[h] for h in ENVELOPE} == {h: recorded[h] for h in ENVELOPE}
    assert set(headers) - connection == set(recorded) - connection
    assert shape(json.loads(body)) == shape(capture(name)["request"]["body"])
    assert headers["x-wc-webhook-signature"] == signature(body)


@pytest.mark.parametrize("name", deliveries())
def test_the_recorded_signatures_hold_for_the_raw_bytes(name: str) -> None:
    request = capture(name)["request"]
    assert signature(request["body_raw"].encode()) == httpx.Headers(request["headers"])["x-wc-webhook-signature"]


async def test_a_body_is_ascii_with_escaped_slashes(woo: Woo) -> None:
    _, body = await delivered(woo, "webhook-order-created-storefront-cod")
    assert body.isascii()
    assert b"https:\\/\\/127.0.0.1:8443\\/" in body


async def test_a_new_webhook_is_pinged_unsigned_before_the_answer(woo: Woo) -> None:
    await woo.client.post("/wp-json/wc/v3/webhooks", json=HOOK)
    [(headers, body)] = woo.receiver.taken
    recorded = capture("webhook-ping-on-activation")["request"]
    assert body.decode() == recorded["body_raw"]
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert not [name for name in headers if name.startswith("x-wc")]


async def test_a_missed_ping_comes_with_the_next_delivery(woo: Woo) -> None:
    woo.receiver.status = 500
    created = await woo.client.post("/wp-json/wc/v3/webhooks", json=HOOK)
    woo.receiver.status = 200
    world.build(woo.shop, [GUEST])
    woo.shop.announce("order.updated", 4915)
    await woo.deliveries.drain_all()
    assert created.status_code == 201
    assert [body[:10] for _, body in woo.receiver.taken] == [b"webhook_id", b"webhook_id", b'{"id":4915']


async def fail(woo: Woo, times: int) -> None:
    """So many deliveries that the receiver refuses."""
    woo.receiver.status = 500
    for _ in range(times):
        woo.shop.announce("order.updated", 4915)
        await woo.deliveries.drain_all()


async def test_six_failures_in_a_row_are_tolerated(woo: Woo) -> None:
    world.build(woo.shop, [GUEST, world.webhook(2, "order.updated")])
    await fail(woo, 6)
    assert woo.shop.webhooks[2]["status"] == "active"


async def test_a_success_resets_the_count(woo: Woo) -> None:
    world.build(woo.shop, [GUEST, world.webhook(2, "order.updated", failure_count=6)])
    woo.shop.announce("order.updated", 4915)
    await woo.deliveries.drain_all()
    assert woo.shop.webhooks[2]["failure_count"] == 0


async def test_the_seventh_failure_in_a_row_disables(woo: Woo) -> None:
    world.build(woo.shop, [GUEST, world.webhook(2, "order.updated")])
    await fail(woo, 7)
    seen = await woo.client.get("/wp-json/wc/v3/webhooks/2")
    assert seen.json()["status"] == "disabled"
    await fail(woo, 1)
    assert len(woo.receiver.taken) == 7, "a disabled webhook is sent nothing"


async def test_a_revived_webhook_keeps_its_count_and_fails_at_once(woo: Woo) -> None:
    world.build(woo.shop, [GUEST, world.webhook(2, "order.updated")])
    await fail(woo, 7)
    await woo.client.put("/wp-json/wc/v3/webhooks/2", json={"status": "active"})
    await fail(woo, 1)
    assert woo.shop.webhooks[2]["status"] == "disabled"


async def test_a_redirect_counts_as_delivered_and_an_error_is_not_tried_again(woo: Woo) -> None:
    world.build(woo.shop, [GUEST, world.webhook(2, "order.updated")])
    woo.receiver.status = 302
    woo.shop.announce("order.updated", 4915)
    await woo.deliveries.drain_all()
    assert woo.shop.webhooks[2]["failure_count"] == 0
    await fail(woo, 1)
    await woo.deliveries.drain_all()
    assert len(woo.receiver.taken) == 2


async def test_several_changes_before_the_queue_runs_are_one_delivery_of_the_last_state(woo: Woo) -> None:
    world.build(woo.shop, [GUEST, world.webhook(2, "order.updated")])
    for status in ("processing", "on-hold", "completed"):
        await woo.client.put("/wp-json/wc/v3/orders/4915", json={"status": status})
    await woo.deliveries.drain_all()
    [(_, body)] = woo.receiver.signed()
    assert json.loads(body)["status"] == "completed"


async def test_deliveries_of_one_second_share_their_id(woo: Woo) -> None:
    world.build(woo.shop, [GUEST, world.webhook(2, "order.updated")])
    for seconds in (0, 0, 1):
        woo.clock.forward(seconds=seconds)
        woo.shop.announce("order.updated", 4915)
        await woo.deliveries.drain_all()
    ids = [headers["x-wc-webhook-delivery-id"] for headers, _ in woo.receiver.signed()]
    assert ids[0] == ids[1] != ids[2]


async def test_a_forced_delete_of_an_order_sends_nothing(woo: Woo) -> None:
    world.build(woo.shop, [GUEST, world.webhook(1, "order.deleted"), world.webhook(2, "order.updated")])
    await woo.client.delete("/wp-json/wc/v3/orders/4915?force=true")
    assert not woo.deliveries.pending


async def test_trashing_is_announced_with_the_bare_id(woo: Woo) -> None:
    world.build(woo.shop, [GUEST, world.webhook(1, "order.deleted")])
    await woo.client.delete("/wp-json/wc/v3/orders/4915")
    await woo.deliveries.drain_all()
    assert [body for _, body in woo.receiver.signed()] == [b'{"id":4915}']


async def test_a_deleted_webhook_is_sent_nothing_that_was_queued(woo: Woo) -> None:
    world.build(woo.shop, [GUEST, world.webhook(2, "order.updated")])
    woo.shop.announce("order.updated", 4915)
    await woo.client.delete("/wp-json/wc/v3/webhooks/2?force=true")
    await woo.deliveries.drain_all()
    assert woo.receiver.taken == []


async def test_our_own_product_write_comes_back_as_an_update(woo: Woo) -> None:
    world.build(woo.shop, [COFFEES, COFFEE, world.webhook(6, "product.updated")])
    await woo.client.put("/wp-json/wc/v3/products/10", json={})
    await woo.deliveries.drain_all()
    assert woo.receiver.topics() == ["product.updated"]


async def test_deliveries_repeat_and_get_lost_on_demand(woo: Woo) -> None:
    world.build(woo.shop, [GUEST, world.webhook(2, "order.updated")])
    woo.shop.announce("order.updated", 4915)
    await woo.deliveries.drain(DeliveryManner(repeat=3))
    assert len(woo.receiver.signed()) == 3
    again = await woo.client.post("/_sandbox/webhooks/deliver", json={"again": 2, "drop_every": 2})
    assert again.json() == {"handled": 2, "dropped": 1}
    assert len(woo.receiver.signed()) == 4


async def test_the_current_manner_holds_or_sends(woo: Woo) -> None:
    world.build(woo.shop, [GUEST, world.webhook(2, "order.updated")])
    await woo.client.put("/_sandbox/webhooks/manner", json={"repeat": 2})
    await woo.client.put("/wp-json/wc/v3/orders/4915", json={"status": "processing"})
    await woo.deliveries.drain_all()
    assert len(woo.receiver.signed()) == 2
