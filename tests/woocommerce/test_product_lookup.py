"""Finding products: by SKU over every status, variations and the trash; by id; by change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.connectors.woocommerce.changes import Cursor
from services.connectors.woocommerce.products import LONGEST_QUERY, MOST_SKUS, chunk_skus
from services.connectors.woocommerce.read import ReadError
from tests.woocommerce.shop_double import ShopDouble, client, listed, product, recorded


@pytest.mark.claim("S0.31")
async def test_a_sku_is_looked_up_in_the_usual_list_and_in_the_trash() -> None:
    double = ShopDouble([recorded("product-list-by-sku"), listed([product(130, "NOPE", status="trash")])])
    async with client(double) as shop:
        found = await shop.products_by_sku(["COF-001", "B-1", "NOPE"])

    assert {sku: [(one.id, one.status) for one in products] for sku, products in found.items()} == {
        "COF-001": [(10, "publish")],
        "B-1": [(13, "publish")],
        "NOPE": [(130, "trash")],
    }
    assert [query.get("status") for query in double.queries()] == [None, "trash"]


@pytest.mark.claim("S0.31")
async def test_a_variation_is_found_by_its_own_sku() -> None:
    async with client(ShopDouble([recorded("product-list-by-variation-sku"), listed([])])) as shop:
        (found,) = (await shop.products_by_sku(["TS-S-4943"]))["TS-S-4943"]
    assert (found.id, found.parent_id, found.is_variation) == (4944, 4943, True)
    assert (found.regular_price, found.stock_quantity, found.manages_stock) == (Decimal(20), Decimal(3), True)


async def test_case_and_blanks_are_ignored_as_in_the_shop() -> None:
    async with client(ShopDouble([listed([product(10, "COF-001")]), listed([])])) as shop:
        found = await shop.products_by_sku([" cof-001 "])
    assert [one.id for one in found[" cof-001 "]] == [10]


async def test_an_ambiguous_sku_gives_every_product_that_has_it() -> None:
    double = ShopDouble(
        [listed([product(10, "A"), product(11, "A", status="draft")]), listed([product(9, "a", status="trash")])]
    )
    async with client(double) as shop:
        found = await shop.products_by_sku(["A"])
    assert {one.id for one in found["A"]} == {9, 10, 11}


@pytest.mark.parametrize("skus", [[], [""], ["  ", ""]])
async def test_an_empty_sku_is_never_asked_for(skus: list[str]) -> None:
    double = ShopDouble([])
    async with client(double) as shop:
        assert await shop.products_by_sku(skus) == {}
    assert double.asked == []


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters=","), min_size=1, max_size=80), max_size=150))
def test_chunks_hold_every_sku_once_within_the_limits(skus: list[str]) -> None:
    made = list(chunk_skus(skus))
    assert [sku for chunk in made for sku in chunk.split(",")] == skus
    assert all(len(chunk.split(",")) <= MOST_SKUS for chunk in made)
    assert all(len(quote(chunk)) <= LONGEST_QUERY or "," not in chunk for chunk in made)


def test_a_sku_with_a_comma_is_asked_alone_because_the_shop_splits_there() -> None:
    assert list(chunk_skus(["A", "B,C", "D"])) == ["B,C", "A,D"]


async def test_every_page_of_a_long_answer_is_read() -> None:
    pages = [listed([product(1, "A")], pages=2), listed([product(2, "A")], pages=2), listed([])]
    double = ShopDouble(pages)
    async with client(double) as shop:
        found = await shop.products_by_sku(["A"])
    assert [one.id for one in found["A"]] == [1, 2]
    assert [query["page"] for query in double.queries()] == ["1", "2", "1"]


async def test_a_page_beyond_the_end_ends_the_list() -> None:
    double = ShopDouble([listed([product(1, "A")], pages=3), recorded("product-list-page-too-far"), listed([])])
    async with client(double) as shop:
        assert len((await shop.products_by_sku(["A"]))["A"]) == 1


async def test_without_the_paging_header_a_short_page_ends_the_list() -> None:
    full = httpx.Response(200, json=[product(number, "A") for number in range(1, 101)])
    double = ShopDouble([full, httpx.Response(200, json=[product(101, "A")]), listed([])])
    async with client(double) as shop:
        assert len((await shop.products_by_sku(["A"]))["A"]) == 101


async def test_a_deleted_product_is_none() -> None:
    async with client(ShopDouble([recorded("product-get-unknown")])) as shop:
        assert await shop.product(99999) is None


async def test_a_product_is_read_with_exact_prices_utc_times_and_plain_texts() -> None:
    async with client(ShopDouble([recorded("product-sale-scheduled")])) as shop:
        found = await shop.product(10)
    assert found is not None
    assert (found.regular_price, found.sale_price, found.weight) == (Decimal("45.50"), Decimal("39.90"), Decimal("1.0"))
    assert found.sale_from == datetime(2026, 11, 30, 20, 0, tzinfo=UTC)
    assert found.sale_to == datetime(2026, 12, 31, 19, 59, 59, tzinfo=UTC)
    assert found.category_ids == (16,)


async def test_a_product_that_cannot_be_understood_is_named() -> None:
    async with client(ShopDouble([httpx.Response(200, json=product(7, "A", parent_id="ten"))])) as shop:
        with pytest.raises(ReadError, match='product 7: field `parent_id` is "ten"'):
            await shop.product(7)


async def test_changes_are_asked_in_utc_from_before_the_cursor() -> None:
    double = ShopDouble([recorded("product-list-modified-after-gmt")])
    cursor = Cursor(datetime(2026, 11, 21, 2, 53, 26, tzinfo=UTC), overlap=timedelta(minutes=2))
    async with client(double) as shop:
        found = [one.id async for one in shop.product_changes(cursor)]
    assert len(found) == 1
    query = double.queries()[0]
    assert (query["modified_after"], query["dates_are_gmt"]) == ("2026-11-21T02:51:25", "true")
