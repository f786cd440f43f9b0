"""A write is believed when its echo says so: what the shop stored otherwise is found and named."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from html import escape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.connectors.woocommerce.batch import (
    SALE_EMPTIED,
    STOCK_IGNORED,
    UNCATEGORIZED,
    Difference,
    find_differences,
)
from services.connectors.woocommerce.product import ProductWrite
from tests.woocommerce.shop_double import NOON, answered, product


def found(meant: ProductWrite, echo: dict[str, Any]) -> list[Difference]:
    return list(find_differences("main", meant, echo))


def test_a_sale_price_cleared_by_the_shop_is_reported() -> None:
    meant = ProductWrite(id=10, regular_price=Decimal(10), sale_price=Decimal(12))
    assert found(meant, answered("product-put-sale-higher-than-regular")) == [
        Difference("sale_price", "12", "", SALE_EMPTIED)
    ]


@pytest.mark.parametrize(("index", "stored"), [(4, "1050"), (5, ""), (8, "1234.50")])
def test_a_price_stored_differently_is_reported(index: int, stored: str) -> None:
    echo = answered("product-batch-odd-prices")["create"][index]
    assert found(ProductWrite(regular_price=Decimal("10.50")), echo) == [Difference("regular_price", "10.50", stored)]


def test_an_unknown_category_stored_as_uncategorized_is_reported() -> None:
    echo = answered("product-batch-invalid-category")["create"][0] | {
        "categories": [{"id": 15, "name": "Uncategorized"}]
    }
    assert found(ProductWrite(category_ids=(999999,)), echo) == [
        Difference("category_ids", "(999999,)", "(15,)", UNCATEGORIZED)
    ]


def test_a_category_that_a_plugin_added_is_no_difference() -> None:
    echo = product(1, "A", categories=[{"id": 16}, {"id": 3}])
    assert found(ProductWrite(category_ids=(16,)), echo) == []


def test_stock_stored_as_another_number_is_reported() -> None:
    echo = answered("product-batch-stock-decimal")["update"][0]
    assert found(ProductWrite(id=10, stock_quantity=6), echo) == [Difference("stock_quantity", "6", "5")]


def test_stock_of_a_product_that_the_shop_does_not_manage() -> None:
    echo = product(1, "A", manage_stock=False, stock_quantity=None)
    assert found(ProductWrite(stock_quantity=6), echo) == [Difference("stock_quantity", "6", "", STOCK_IGNORED)]


def test_a_variation_that_takes_its_parents_stock_does_not_manage_its_own() -> None:
    echo = product(1, "A", type="variation", manage_stock="parent", stock_quantity=4)
    assert [one.field for one in found(ProductWrite(manage_stock=True, stock_quantity=4), echo)] == ["manage_stock"]


def test_a_name_stripped_of_markup_is_a_difference() -> None:
    (difference,) = found(ProductWrite(name="ყავა <script>x</script>"), product(1, "A", name="ყავა x"))
    assert str(difference) == (
        "name: meant 'ყავა <script>x</script>', stored 'ყავა x' (the shop removed something from the text)"
    )


def test_a_name_filled_by_the_shop_is_a_difference() -> None:
    assert [one.stored for one in found(ProductWrite(name=""), product(1, "A", name="Product"))] == ["Product"]


def test_a_recorded_creation_is_as_meant() -> None:
    meant = ProductWrite(
        name="ყავა „არაბიკა“ 1კგ",
        sku="COF-001",
        type="simple",
        status="publish",
        regular_price=Decimal("45.5"),
        category_ids=(16,),
        manage_stock=True,
        stock_quantity=12,
    )
    assert found(meant, answered("product-create")) == []


def test_a_recorded_sale_window_is_as_meant() -> None:
    meant = ProductWrite(
        id=10,
        sale_price=Decimal("39.9"),
        sale_from=datetime.fromisoformat("2026-12-01T00:00:00.7+04:00"),
        sale_to=datetime.fromisoformat("2026-12-31T23:59:59+04:00"),
    )
    echo = answered("product-sale-scheduled")
    assert found(meant, echo) == []
    assert [one.field for one in found(meant.model_copy(update={"sale_to": NOON}), echo)] == ["sale_to"]


def test_deleted_and_kept_meta_are_distinguished() -> None:
    echo = product(1, "A", meta_data=[{"key": "_balance_uid", "value": "b-1"}])
    assert found(ProductWrite(meta={"_balance_uid": "b-1", "old": None}), echo) == []
    assert [one.field for one in found(ProductWrite(meta={"_balance_uid": "b-2"}), echo)] == ["meta._balance_uid"]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=40))
def test_a_name_that_the_shop_escaped_is_the_same_name(name: str) -> None:
    assert found(ProductWrite(name=name), product(1, "A", name=escape(name, quote=False))) == []


PRICES = st.decimals(0, 10**6, places=2)


@given(PRICES, PRICES, st.sampled_from(["{:f}", "{:.4f}"]))
def test_prices_differ_exactly_when_their_amounts_do(meant: Decimal, stored: Decimal, form: str) -> None:
    differs = found(ProductWrite(regular_price=meant), product(1, "A", regular_price=form.format(stored)))
    assert bool(differs) == (meant != stored)


@given(st.integers(-86400 * 400, 86400 * 400))
def test_times_differ_exactly_when_their_seconds_do(seconds: int) -> None:
    echo = product(1, "A", date_on_sale_from_gmt="2026-11-21T12:00:00")
    differs = found(ProductWrite(sale_from=NOON + timedelta(seconds=seconds, microseconds=5)), echo)
    assert bool(differs) == (seconds != 0)


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_stock_differs_exactly_when_its_figure_does(meant: int, stored: int) -> None:
    echo = product(1, "A", manage_stock=True, stock_quantity=stored)
    assert bool(found(ProductWrite(stock_quantity=meant), echo)) == (meant != stored)
