"""Order and refund rules that single exchanges do not show: stock, payment dates, edits, refusals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox import woocommerce_world as world
from tests.sandbox.sample_woocommerce import COFFEE, COFFEES, GOODS, SHIRT, SIZES, STOREFRONT, TEA
from tests.sandbox.woocommerce_bench import Woo

ORDERS = "/wp-json/wc/v3/orders"
TWO_COFFEES = {"line_items": [{"product_id": 10, "quantity": 2}]}


async def post(woo: Woo, path: str, body: dict[str, Any], status: int = 201) -> dict[str, Any]:
    """The answer to a POST."""
    answer = await woo.client.post(path, json=body)
    assert answer.status_code == status, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def move(woo: Woo, order: dict[str, Any], status: str) -> dict[str, Any]:
    """An order after a change of status."""
    moved: dict[str, Any] = (await woo.client.put(f"{ORDERS}/{order['id']}", json={"status": status})).json()
    return moved


def coffee(woo: Woo) -> int:
    """Coffee in stock."""
    left: int = woo.shop.products[10]["stock_quantity"]
    return left


async def test_stock_goes_when_the_order_is_taken_and_comes_back_when_it_is_cancelled(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    order = await post(woo, ORDERS, TWO_COFFEES)
    seen = [coffee(woo)]
    for status in ("on-hold", "processing", "cancelled", "processing"):
        await move(woo, order, status)
        seen.append(coffee(woo))
    assert seen == [12, 10, 10, 12, 10]


async def test_the_trash_gives_no_stock_back(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    order = await post(woo, ORDERS, TWO_COFFEES | {"status": "processing"})
    await woo.client.delete(f"{ORDERS}/{order['id']}")
    assert coffee(woo) == 10
    assert (await woo.client.get(ORDERS)).json() == []
    assert (await move(woo, order, "processing"))["status"] == "processing"


async def test_cash_on_delivery_is_paid_only_when_completed(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    cash = await post(woo, ORDERS, TWO_COFFEES | {"payment_method": "cod"})
    bank = await post(woo, ORDERS, TWO_COFFEES | {"payment_method": "bacs"})
    assert (await move(woo, cash, "processing"))["date_paid"] is None
    assert (await move(woo, bank, "processing"))["date_paid_gmt"] == "2026-11-21T03:00:00"
    completed = await move(woo, cash, "completed")
    assert (completed["date_paid"], completed["date_completed"]) == ("2026-11-21T07:00:00", "2026-11-21T07:00:00")


async def test_an_order_with_own_prices_shipping_and_a_fee_adds_up(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    body = {
        "line_items": [{"product_id": 10, "quantity": 2}, {"sku": "B-1", "subtotal": "5.00", "total": "4.00"}],
        "shipping_lines": [{"method_id": "flat_rate", "method_title": "Courier", "total": "4.24"}],
        "fee_lines": [{"name": "Box", "total": "2.00"}],
        "set_paid": True,
    }
    order = await post(woo, ORDERS, body)
    assert (order["discount_total"], order["shipping_tax"], order["status"]) == ("1.00", "0.76", "processing")
    assert (order["total"], order["total_tax"]) == ("103.08", "15.72")


async def test_a_zero_rated_and_an_untaxed_line(woo: Woo) -> None:
    zero = world.product(20, {"name": "Book", "regular_price": "10", "tax_class": "zero-rate"})
    none = world.product(21, {"name": "Gift", "regular_price": "10", "tax_status": "none"})
    world.build(woo.shop, [zero, none])
    order = await post(woo, ORDERS, {"line_items": [{"product_id": 20}, {"product_id": 21}]})
    assert [(line["total"], line["taxes"]) for line in order["line_items"]] == [
        ("10.00", [{"id": 2, "total": "0", "subtotal": "0"}]),
        ("10.00", []),
    ]
    assert order["tax_lines"][0]["rate_percent"] == 0


async def test_a_variation_line_names_parent_and_option(woo: Woo) -> None:
    world.build(woo.shop, [SHIRT, SIZES])
    order = await post(woo, ORDERS, {"line_items": [{"product_id": 4943, "variation_id": 4945}]})
    [line] = order["line_items"]
    assert (line["name"], line["product_id"], line["variation_id"]) == ("მაისური - M", 4943, 4945)
    assert (line["parent_name"], line["meta_data"][0]["value"]) == ("მაისური", "M")


async def test_an_unknown_product_makes_an_empty_line_and_no_stock_is_checked(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    unknown = await post(woo, ORDERS, {"line_items": [{"product_id": 777}]})
    many = await post(woo, ORDERS, {"line_items": [{"product_id": 10, "quantity": 5000}], "status": "processing"})
    assert (unknown["total"], many["status"], coffee(woo)) == ("0.00", "processing", -4988)


async def test_a_fraction_of_a_piece_is_refused(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    refused = await post(woo, ORDERS, {"line_items": [{"product_id": 10, "quantity": 1.5}]}, 400)
    assert refused["code"] == "rest_invalid_param"


async def test_an_unknown_coupon_is_refused_and_leaves_an_order_behind(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    await post(woo, ORDERS, TWO_COFFEES | {"coupon_lines": [{"code": "nope"}]}, 400)
    [orphan] = woo.shop.orders.values()
    assert (orphan["status"], orphan["total"]) == ("pending", "91.00")


async def test_editing_a_quantity_alone_recalculates_nothing(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    order = await post(woo, ORDERS, TWO_COFFEES)
    line = {"id": order["line_items"][0]["id"], "quantity": 5}
    edited = (await woo.client.put(f"{ORDERS}/{order['id']}", json={"line_items": [line]})).json()
    assert (edited["line_items"][0]["quantity"], edited["total"]) == (5, "91.00")
    added = {"line_items": [{"product_id": 13, "quantity": 1}, {**line, "product_id": None}]}
    swapped = (await woo.client.put(f"{ORDERS}/{order['id']}", json=added)).json()
    assert ([entry["sku"] for entry in swapped["line_items"]], swapped["total"]) == (["B-1"], "7.30")


async def test_a_new_total_of_a_line_is_taxed_again(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    order = await post(woo, ORDERS, TWO_COFFEES | {"fee_lines": [{"name": "Box", "total": "2.00"}]})
    body = {
        "line_items": [{"id": order["line_items"][0]["id"], "total": "50.00"}],
        "fee_lines": [{"id": order["fee_lines"][0]["id"], "total": "1.00"}],
    }
    edited = (await woo.client.put(f"{ORDERS}/{order['id']}", json=body)).json()
    assert (edited["total"], edited["total_tax"], edited["discount_total"]) == ("60.18", "9.18", "27.12")


async def test_two_equal_posts_make_two_orders_whatever_the_key(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    for _ in range(2):
        await woo.client.post(ORDERS, json=TWO_COFFEES, headers={"Idempotency-Key": "one"})
    assert len(woo.shop.orders) == 2


async def test_orders_are_listed_by_status_customer_and_product(woo: Woo) -> None:
    world.build(woo.shop, [*GOODS, STOREFRONT])
    made = await post(woo, ORDERS, TWO_COFFEES)
    queries = {"status=pending,failed": [made["id"]], "product=13": [4917], "status=any&number=5": [4917, made["id"]]}
    for query, expected in queries.items():
        listed = (await woo.client.get(f"{ORDERS}?{query}&orderby=id&order=asc")).json()
        assert [order["id"] for order in listed] == expected


def refund(**more: Any) -> dict[str, Any]:
    """A refund of one of three teas."""
    line = {"id": 10, "quantity": 1, "refund_total": "5.57", "refund_tax": [{"id": 1, "refund_total": "1.00"}]}
    return {"api_refund": False, "line_items": [line], **more}


async def test_a_refund_without_amount_is_the_sum_of_its_lines_and_restocks(woo: Woo) -> None:
    world.build(woo.shop, [COFFEES, COFFEE, TEA, STOREFRONT])
    made = await post(woo, f"{ORDERS}/4917/refunds", refund())
    assert made["amount"] == "6.57"
    assert woo.shop.products[13]["stock_quantity"] == 51
    notes = {row["key"]: row["value"] for row in woo.shop.orders[4917]["line_items"][1]["meta_data"]}
    assert notes == {"_reduced_stock": "2", "_restock_refunded_items": "1"}


async def test_the_same_refund_twice_is_two_refunds_and_restock_can_be_declined(woo: Woo) -> None:
    world.build(woo.shop, [COFFEES, COFFEE, TEA, STOREFRONT])
    for _ in range(2):
        await post(woo, f"{ORDERS}/4917/refunds", refund(api_restock=False))
    listed = await woo.client.get(f"{ORDERS}/4917/refunds")
    assert len(listed.json()) == 2
    assert woo.shop.products[13]["stock_quantity"] == 50


async def test_refunding_everything_in_parts_makes_the_order_refunded(woo: Woo) -> None:
    world.build(woo.shop, [*GOODS, STOREFRONT])
    for amount in ("60.00", "5.66"):
        await post(woo, f"{ORDERS}/4917/refunds", {"api_refund": False, "amount": amount})
    assert (await woo.client.get(f"{ORDERS}/4917")).json()["status"] == "refunded"


@pytest.mark.parametrize(
    ("body", "data"), [({"amount": "65.67"}, 500), ({"amount": "-1"}, 400), ({"amount": "1", "api_refund": True}, 500)]
)
async def test_every_refusal_of_a_refund_is_a_500(woo: Woo, body: dict[str, Any], data: int) -> None:
    world.build(woo.shop, [*GOODS, STOREFRONT])
    refused = await post(woo, f"{ORDERS}/4917/refunds", {"api_refund": False, **body}, 500)
    assert (refused["code"], refused["data"]) == ("woocommerce_rest_cannot_create_order_refund", data)
    assert woo.shop.refunds == {}


async def test_deleting_a_refund_wants_force_and_leaves_the_order_unmodified(woo: Woo) -> None:
    world.build(woo.shop, [*GOODS, STOREFRONT])
    made = await post(woo, f"{ORDERS}/4917/refunds", refund())
    modified = woo.shop.orders[4917]["date_modified"]
    woo.clock.forward(minutes=1)
    path = f"{ORDERS}/4917/refunds/{made['id']}"
    assert (await woo.client.delete(path)).status_code == 501
    assert (await woo.client.delete(f"{path}?force=true")).status_code == 200
    assert (woo.shop.orders[4917]["date_modified"], woo.shop.refunds) == (modified, {})


async def test_a_note_to_the_customer_and_a_change_of_status_are_mailed_a_private_note_is_not(woo: Woo) -> None:
    world.build(woo.shop, GOODS)
    order = await post(woo, ORDERS, TWO_COFFEES | {"status": "processing", "billing": {"email": "nino@example.test"}})
    woo.shop.mails.clear()
    for customer in (False, True):
        await post(woo, f"{ORDERS}/{order['id']}/notes", {"note": "on its way", "customer_note": customer})
    for status in ("completed", "completed", "cancelled"):
        await move(woo, order, status)
    kept = (await woo.client.get("/_sandbox/mails")).json()
    assert [(mail["kind"], mail["order_id"], mail["to"]) for mail in kept] == [
        ("customer_note", order["id"], "nino@example.test"),
        ("completed_order", order["id"], "nino@example.test"),
    ]
