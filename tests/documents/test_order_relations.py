"""An order with a parent: part of that purchase, an order of its own, or undecided until a setting says so."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.shop import OrderChanged
from services.accounting.documents.trigger import Role, is_covered, is_own_purchase, is_triggered, parent_key, role_of
from services.connectors.woocommerce.order import order_changed
from tests.support.exporting import SHOP, line, order, settings
from tests.woocommerce.shop_double import answered

JSON = answered("order-get-storefront-guest-cod-coupon-shipping")
SUB_ORDERS = {"dokan": "part-of-parent", "wc_deposits": "own-order"}


def sub_order(via: str, **fields: Any) -> OrderChanged:
    return order(line(11, "100.00", quantity="2"), order_id=5002, parent_id=5001, created_via=via, **fields)


@pytest.mark.claim("K26")
@pytest.mark.parametrize(
    ("via", "sub_orders", "role", "own"),
    [
        ("dokan", {}, "undecided", False),
        ("dokan", SUB_ORDERS, "part-of-parent", False),
        ("wc_deposits", SUB_ORDERS, "own-order", True),
        ("wcfm", SUB_ORDERS, "undecided", False),
        ("wcfm", SUB_ORDERS | {"default": "own-order"}, "own-order", True),
        ("dokan", SUB_ORDERS | {"default": "own-order"}, "part-of-parent", False),
        ("", {"default": "part-of-parent"}, "part-of-parent", False),
        ("", SUB_ORDERS, "undecided", False),
    ],
)
def test_a_setting_decides_by_origin_what_a_sub_order_is(
    via: str, sub_orders: dict[str, str], role: Role, own: bool
) -> None:
    rules = settings(sub_orders=sub_orders).shops[SHOP].orders
    assert role_of(sub_order(via), rules) == role
    assert is_own_purchase(sub_order(via), rules) is own
    assert is_triggered(sub_order(via), rules) is (role != "part-of-parent")
    assert parent_key(sub_order(via)) == f"{SHOP}:5001"


@pytest.mark.claim("K26")
def test_an_order_without_a_parent_is_a_whole_purchase_whatever_the_settings_say() -> None:
    rules = settings(sub_orders={"default": "part-of-parent"}).shops[SHOP].orders
    assert role_of(order(line(11, "100.00"), created_via="dokan"), rules) == "whole"


@pytest.mark.claim("K26")
@pytest.mark.parametrize(
    ("part", "fields", "covered"),
    [
        (line(21, "100.00", quantity="2"), {}, True),
        (line(21, "100.00", quantity="1"), {}, True),
        (line(21, "100.00", quantity="5"), {}, False),
        (line(21, "10.00", product=999), {}, False),
        (line(21, "200.01", quantity="2"), {}, False),
        (line(21, "100.00", quantity="2"), {"currency": "USD"}, False),
    ],
)
def test_a_part_is_covered_by_a_parent_that_holds_its_money_and_its_pieces(
    part: Any, fields: dict[str, Any], covered: bool
) -> None:
    parent = order(line(11, "150.00", quantity="3"), line(12, "50.00", product=312), order_id=5001)
    assert is_covered(order(part, order_id=5002, parent_id=5001, **fields), parent) is covered


@pytest.mark.claim("K26")
@pytest.mark.parametrize(("written", "read"), [(5001, 5001), (0, 0), (None, 0), ("", 0), ("5001", 5001), (False, 0)])
def test_the_parent_is_read_from_the_order_as_php_writes_it(written: Any, read: int) -> None:
    assert order_changed(SHOP, JSON | {"parent_id": written}).parent_id == read


def test_an_order_that_names_itself_has_no_parent() -> None:
    assert order_changed(SHOP, JSON | {"parent_id": JSON["id"]}).parent_id == 0
