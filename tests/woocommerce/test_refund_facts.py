"""From the refunds of a shop to facts."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from contracts.shop import RefundIssued
from services.connectors.woocommerce.read import ReadError
from services.connectors.woocommerce.refund import refund_issued
from tests.woocommerce.order_facts import KEYS, gross, read_order
from tests.woocommerce.shop_double import answered


@pytest.fixture
def refunds() -> dict[int, dict[str, Any]]:
    return {refund["id"]: refund for refund in deepcopy(answered("refunds-list"))}


def issued(order: dict[str, Any], refund: dict[str, Any]) -> RefundIssued:
    return refund_issued("main", order, refund, **KEYS)


def test_a_refund_by_quantity_is_read(order: dict[str, Any], refunds: dict[int, dict[str, Any]]) -> None:
    event = issued(order, refunds[4932])
    (line,) = event.lines
    assert (event.order_id, event.refund_id, event.amount) == (4917, 4932, Decimal("6.57"))
    assert (line.kind, line.refunded_line_id, line.quantity) == ("product", 10, Decimal(1))
    assert (line.total, line.total_tax, line.taxes[0].total) == (Decimal("5.57"), Decimal("1.00"), Decimal(1))
    assert gross(event) == event.amount


def test_a_refund_of_shipping_is_read(order: dict[str, Any], refunds: dict[int, dict[str, Any]]) -> None:
    (line,) = issued(order, refunds[4934]).lines
    assert (line.kind, line.refunded_line_id, line.quantity) == ("shipping", 11, Decimal(1))
    assert (line.total, line.total_tax) == (Decimal("4.24"), Decimal("0.76"))


def test_a_refund_of_an_amount_has_no_lines(order: dict[str, Any], refunds: dict[int, dict[str, Any]]) -> None:
    event = issued(order, refunds[4933])
    assert (event.amount, event.lines) == (Decimal("2.00"), ())


def test_the_reason_of_a_refund_is_personal_data(order: dict[str, Any], refunds: dict[int, dict[str, Any]]) -> None:
    event = issued(order, refunds[4933])
    assert event.person is not None
    assert event.person.comment == "goodwill"
    assert event.person_ref == read_order(order).person_ref
    assert "goodwill" not in event.model_copy(update={"person": None}).model_dump_json()


@pytest.mark.parametrize("meta", [[], [{"key": "_refunded_item_id", "value": "x"}], [{"key": "other", "value": "9"}]])
def test_a_refund_line_without_its_original_is_read(
    order: dict[str, Any], refunds: dict[int, dict[str, Any]], meta: Any
) -> None:
    refunds[4932]["line_items"][0]["meta_data"] = meta
    assert issued(order, refunds[4932]).lines[0].refunded_line_id is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"amount": "-1"}, "amount"),
        ({"amount": None}, "amount"),
        ({"id": None}, "id"),
        ({"line_items": [{"id": 1, "total": "-1", "total_tax": "0", "quantity": 1}]}, "line_items.0.quantity"),
    ],
)
def test_a_broken_refund_is_refused_with_order_refund_and_field(
    order: dict[str, Any], refunds: dict[int, dict[str, Any]], change: dict[str, Any], named: str
) -> None:
    with pytest.raises(ReadError) as raised:
        issued(order, refunds[4932] | change)
    assert raised.value.detail.startswith("shop main: order 4917, refund ")
    assert f"field `{named}` " in raised.value.detail
