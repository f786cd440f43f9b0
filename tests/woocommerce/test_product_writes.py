"""Writing products: nothing leaves that the shop would coerce, and each record has its own result."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.reasons import Reason
from services.connectors.woocommerce.batch import NotStored, Stored
from services.connectors.woocommerce.product import ProductWrite
from services.engine.outbox.upstream_errors import UnknownOutcome
from tests.woocommerce.shop_double import ShopDouble, client, recorded

WINDOW = {
    "sale_from": datetime.fromisoformat("2026-12-01T00:00:00+04:00"),
    "sale_to": datetime.fromisoformat("2026-12-31T23:59:59+04:00"),
}


@pytest.mark.claim("S0.10")
def test_regular_price_sale_price_and_window_are_one_write_in_gmt() -> None:
    write = ProductWrite(id=10, regular_price=Decimal("45.50"), sale_price=Decimal("39.90"), **WINDOW)  # type: ignore[arg-type]
    assert write.to_json() == {
        "id": 10,
        "regular_price": "45.50",
        "sale_price": "39.90",
        "date_on_sale_from_gmt": "2026-11-30T20:00:00",
        "date_on_sale_to_gmt": "2026-12-31T19:59:59",
    }


def test_what_is_not_given_is_not_sent_and_none_clears() -> None:
    write = ProductWrite(id=10, sale_price=None, sale_from=None, sale_to=None, weight=None, name="ჩაი")
    assert write.to_json() == {
        "id": 10,
        "name": "ჩაი",
        "sale_price": "",
        "date_on_sale_from_gmt": "",
        "date_on_sale_to_gmt": "",
        "weight": "",
    }


def test_a_product_is_created_with_all_its_fields() -> None:
    write = ProductWrite(
        name="ყავა",
        sku="COF-001",
        type="simple",
        status="draft",
        category_ids=(16,),
        manage_stock=True,
        stock_quantity=5,
        weight=Decimal("0.25"),
        meta={"_balance_uid": "b-1", "old": None},
    )
    assert write.to_json() == {
        "name": "ყავა",
        "sku": "COF-001",
        "type": "simple",
        "status": "draft",
        "categories": [{"id": 16}],
        "manage_stock": True,
        "stock_quantity": 5,
        "weight": "0.25",
        "meta_data": [{"key": "_balance_uid", "value": "b-1"}, {"key": "old", "value": None}],
    }


@given(st.decimals(0, 10**9, places=4))
def test_a_price_is_always_plain_text_with_a_dot(price: Decimal) -> None:
    text = ProductWrite(regular_price=price).to_json()["regular_price"]
    assert set(text) <= set("0123456789.")
    assert Decimal(text) == price


@pytest.mark.parametrize("quantity", [5.5, 5.0, Decimal("5.5"), "5.5", "5", "abc", True, None, 10**12])
def test_a_stock_that_is_no_whole_number_never_reaches_the_shop(quantity: Any) -> None:
    if quantity is None:
        assert ProductWrite(stock_quantity=None).to_json() == {"stock_quantity": None}
    else:
        with pytest.raises(ValidationError):
            ProductWrite(stock_quantity=quantity)


@pytest.mark.parametrize(("quantity", "sent"), [(5, 5), (-3, -3), (Decimal(5), 5), (Decimal("7.000"), 7)])
def test_a_whole_stock_is_sent_as_an_integer(quantity: Any, sent: int) -> None:
    body = ProductWrite(id=1, stock_quantity=quantity).to_json()
    assert body["stock_quantity"] == sent
    assert type(body["stock_quantity"]) is int


@pytest.mark.parametrize(
    "wrong",
    [
        {"regular_price": Decimal(-5)},
        {"sale_price": Decimal("NaN")},
        {"regular_price": "10,50"},
        {"sale_from": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"id": 0},
        {"price": Decimal(1)},
    ],
)
def test_what_the_shop_would_misread_is_refused_here(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ProductWrite(**wrong)


def test_a_write_survives_the_outbox_with_what_it_leaves_alone() -> None:
    write = ProductWrite(id=10, sale_price=None, regular_price=Decimal("1.10"), **WINDOW)  # type: ignore[arg-type]
    again = ProductWrite.model_validate(write.model_dump(mode="json", exclude_unset=True))
    assert again.to_json() == write.to_json()


async def test_a_batch_gives_each_product_its_own_result_in_order() -> None:
    double = ShopDouble([recorded("product-batch-duplicate-sku")])
    writes = [
        ProductWrite(name=name, sku=sku) for name, sku in (("A", "B-1"), ("x", "COF-001"), ("C", "B-2"), ("y", "B-1"))
    ]
    async with client(double) as shop:
        results = await shop.create_products(writes)

    assert [type(result) for result in results] == [Stored, NotStored, Stored, NotStored]
    taken = results[1]
    assert isinstance(taken, NotStored)
    assert (taken.code, taken.resource_id, taken.sku_taken) == ("product_invalid_sku", 10, True)
    assert taken.message == ("shop main: new product with SKU COF-001: product_invalid_sku: Invalid or duplicated SKU.")
    assert double.asked[0].url.path == "/wp-json/wc/v3/products/batch"
    assert [record["sku"] for record in double.bodies()[0]["create"]] == ["B-1", "COF-001", "B-2", "B-1"]


async def test_a_sku_in_the_trash_is_known_as_taken_although_the_shop_names_no_product() -> None:
    error = recorded("product-create-sku-of-trashed").json()
    answer = httpx.Response(200, json={"create": [{"id": 0, "error": error}]})
    async with client(ShopDouble([answer])) as shop:
        (result,) = await shop.create_products([ProductWrite(sku="DR-1")])
    assert isinstance(result, NotStored)
    assert (result.sku_taken, result.resource_id) == (True, None)


async def test_a_deleted_product_is_distinguished_from_a_refused_one() -> None:
    unknown = recorded("product-batch-unknown-ids").json()["update"][0]
    variation = {"id": 4944, "error": recorded("variation-put-via-products").json()}
    async with client(ShopDouble([httpx.Response(200, json={"update": [unknown, variation]})])) as shop:
        results = await shop.update_products([ProductWrite(id=99999), ProductWrite(id=4944)])
    assert [result.reason for result in results if isinstance(result, NotStored)] == [
        Reason.SHOP_PRODUCT_GONE,
        Reason.SHOP_REFUSED,
    ]
    assert "product 99999" in results[0].message  # type: ignore[union-attr]


async def test_variations_go_through_their_parent() -> None:
    answer = httpx.Response(200, json={"update": [{"id": 4944}, {"id": 4945}]})
    double = ShopDouble([answer])
    async with client(double) as shop:
        results = await shop.update_variations(4943, [ProductWrite(id=4944, stock_quantity=3), ProductWrite(id=4945)])
    assert [result.id for result in results if isinstance(result, Stored)] == [4944, 4945]
    assert double.asked[0].url.path == "/wp-json/wc/v3/products/4943/variations/batch"


async def test_an_empty_batch_costs_no_request() -> None:
    async with client(ShopDouble([])) as shop:
        assert await shop.update_products([]) == []


async def test_more_rows_than_the_shop_accepts_raises() -> None:
    async with client(ShopDouble([])) as shop:
        with pytest.raises(ValueError, match="101 records"):
            await shop.update_products([ProductWrite(id=1)] * 101)


async def test_an_update_needs_an_id_and_a_creation_has_none() -> None:
    async with client(ShopDouble([])) as shop:
        with pytest.raises(ValueError, match="cannot update by SKU"):
            await shop.update_products([ProductWrite(sku="A")])
        with pytest.raises(ValueError, match="updated, not created"):
            await shop.create_products([ProductWrite(id=1)])
        with pytest.raises(ValueError, match="variation's id"):
            await shop.update_variations(1, [ProductWrite(sku="A")])


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"update": []},
        {"update": {}},
        {"update": [{"id": 1}, {"id": 2}]},
        {"update": [None]},
        {"update": [{"id": 0}]},
    ],
)
async def test_results_that_are_missing_or_strange_prove_nothing(answer: dict[str, Any]) -> None:
    async with client(ShopDouble([httpx.Response(200, json=answer)])) as shop:
        with pytest.raises(UnknownOutcome):
            await shop.update_products([ProductWrite(id=1, regular_price=Decimal(1))])
