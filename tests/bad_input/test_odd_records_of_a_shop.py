"""One odd record in a list of the shop: it is named, everything beside it is used, and nothing is concluded from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import pytest

from contracts.reasons import Reason
from services.connectors.http.listing import Listing, collect_listing
from services.connectors.woocommerce.changes import Cursor
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.product import Product
from tests.bad_input.odd_shop import page, rewrite
from tests.catalog_importer.catalogue_bench import NOON, world
from tests.woocommerce.shop_double import client
from tests.woocommerce.shop_double import product as product_json

META = "_balance_uid"
PEOPLE = (("nino", "99001012345"), ("lali", "99001012346"))
Read = Callable[[WooCommerce], Awaitable[Listing[Any]]]


@dataclass(frozen=True)
class Kind:
    """A list: how it is read, a sound record of it, and fields that make a record odd with the words that name it."""

    read: Read
    sound: dict[str, Any]
    odd: tuple[tuple[dict[str, Any] | None, str], ...]


def streamed(read: Callable[[WooCommerce], AsyncIterator[Any]]) -> Read:
    """A list that is read record by record."""

    async def whole(shop: WooCommerce) -> Listing[Any]:
        return await collect_listing(read(shop))

    return whole


NO_RECORD = "was left out: the shop answers something that is not a record"
PRODUCT_ODDITIES: tuple[tuple[dict[str, Any] | None, str], ...] = (
    ({"id": "x"}, 'product x: field `id` is "x", which is not a whole number'),
    ({"id": None}, "product without id: field `id` is empty"),
    ({"id": 7.5}, "product 7.5: field `id` is 7.5"),
    ({"id": 2**70}, "field `id` is 1180591620717411303424, which is not a whole number"),
    ({"sku": ["A"]}, "product 7: field `sku` is a list, which is not a text"),
    ({"type": {"a": 1}}, "product 7: field `type` is an object, which is not a text"),
    ({"parent_id": "above"}, 'product 7: field `parent_id` is "above", which is not a whole number'),
    (None, NO_RECORD),
)
CHANGED_ODDITIES = (
    ({"id": "x"}, 'its id is "x", which is not a whole number'),
    ({"id": None}, "its id is null, which is not a whole number"),
    *PRODUCT_ODDITIES[4:],
)
PRODUCT = product_json(5, "SOUND", date_modified_gmt="2026-11-20T08:00:00")
CURSOR = Cursor(NOON)
KINDS = {
    "products": Kind(streamed(lambda shop: shop.every_product()), PRODUCT, PRODUCT_ODDITIES),
    "products in the trash": Kind(streamed(lambda shop: shop.trashed_products()), PRODUCT, PRODUCT_ODDITIES),
    "changed products": Kind(streamed(lambda shop: shop.product_changes(CURSOR)), PRODUCT, CHANGED_ODDITIES),
    "customers": Kind(
        streamed(lambda shop: shop.every_customer()),
        {"id": 5, "email": "a@example.test"},
        (
            ({"id": "x"}, 'customer x: field `id` is "x"'),
            ({"id": 0}, "customer 0: field `id` is 0, which is not greater than 0"),
            (None, NO_RECORD),
        ),
    ),
    "categories": Kind(
        lambda shop: shop.categories(),
        {"id": 5, "name": "Tea", "parent": 0},
        (({"id": []}, "category without id: field `id` is empty"), (None, NO_RECORD)),
    ),
    "tax rates": Kind(
        lambda shop: shop.tax_rates(),
        {"id": 5, "rate": "18.0000", "class": "standard", "name": "VAT", "shipping": True, "compound": False},
        (
            ({"rate": "18 %"}, 'tax rate 7: field `rate` is "18 %", which is not an amount'),
            ({"rate": ""}, "tax rate 7: field `rate` is empty"),
            ({"class": ["standard"]}, "tax rate 7: field `class` is a list"),
            (None, NO_RECORD),
        ),
    ),
    "webhooks": Kind(
        lambda shop: shop.webhooks(),
        {"id": 5, "name": "a", "status": "active", "topic": "order.created", "delivery_url": "https://a.test"},
        (
            ({"id": False}, "webhook without id: field `id` is empty"),
            ({"delivery_url": {}, "topic": [1]}, "webhook 7: field `topic` is a list"),
            (None, NO_RECORD),
        ),
    ),
}
CASES = [(name, place, odd) for name, kind in KINDS.items() for odd in range(len(kind.odd)) for place in (0, 1, 2)]


@pytest.mark.claim("K29")
@pytest.mark.parametrize(("name", "place", "number"), CASES)
async def test_the_records_around_an_invalid_one_are_read(name: str, place: int, number: int) -> None:
    kind = KINDS[name]
    fields, words = kind.odd[number]
    rows: list[Any] = [kind.sound | {"id": 5}, kind.sound | {"id": 6, "sku": "B"}]
    rows.insert(place, None if fields is None else kind.sound | {"id": 7} | fields)
    async with client(lambda request: page(rows)) as shop:
        found = await kind.read(shop)
    assert [one.id for one in found.records] == [5, 6]
    [odd] = found.unreadable
    assert odd.reason in (Reason.SHOP_RECORD_UNREADABLE, Reason.SHOP_BAD_ANSWER)
    assert odd.detail.startswith("shop main: ")
    assert words in odd.detail


JUNK: tuple[Any, ...] = (None, False, "", [], {}, "junk", ["a"], {"a": 1}, [[]], 2**70, "\ud800", 1.5, "-", "1,234.50")
READ_AS_FAR_AS_IT_GOES = (
    "name", "status_text", "regular_price", "sale_price", "price", "date_on_sale_from_gmt", "date_on_sale_to_gmt",
    "weight", "categories", "images", "manage_stock", "stock_quantity", "date_modified_gmt", "meta_data", "lang",
    "translations",
)  # fmt: skip


@pytest.mark.claim("K30")
@pytest.mark.parametrize("field", READ_AS_FAR_AS_IT_GOES)
async def test_a_product_with_any_value_in_unused_fields_is_read(field: str) -> None:
    rows = [product_json(number, f"SKU-{number}", **{field: junk}) for number, junk in enumerate(JUNK, 10)]
    async with client(lambda request: page(rows)) as shop:
        found = await collect_listing(shop.every_product())
    assert [one.sku for one in found.records] == [f"SKU-{number}" for number in range(10, 10 + len(JUNK))]
    assert found.unreadable == ()


ABSENT_OR_NUMBERS: dict[str, tuple[dict[str, Any], Callable[[Product], Any], Any]] = {
    "a SKU as a number": ({"sku": 100}, lambda p: p.sku, "100"),
    "a SKU as false": ({"sku": False}, lambda p: p.sku, ""),
    "a SKU with blanks": ({"sku": " A-1 "}, lambda p: p.sku, "A-1"),
    "an id as a text": ({"id": "7"}, lambda p: p.id, 7),
    "an id as a float": ({"id": 7.0}, lambda p: p.id, 7),
    "a parent as an empty text": ({"parent_id": ""}, lambda p: p.parent_id, 0),
    "a price as a number": ({"regular_price": 10.5}, lambda p: p.regular_price, Decimal("10.5")),
    "no price": ({"regular_price": False}, lambda p: p.regular_price, None),
    "a stock as a text": ({"stock_quantity": "5"}, lambda p: p.stock_quantity, Decimal(5)),
    "managed stock as a word": ({"manage_stock": "yes"}, lambda p: p.manages_stock, True),
    "managed stock as a number": ({"manage_stock": 1}, lambda p: p.manages_stock, True),
    "stock managed by the parent": ({"manage_stock": "parent"}, lambda p: p.manages_stock, False),
    "stock that is not managed": ({"manage_stock": "no"}, lambda p: p.manages_stock, False),
    "categories as an object": ({"categories": {"1": {"id": "15"}, "4": []}}, lambda p: p.category_ids, (15,)),
    "a sale without an end": ({"date_on_sale_to_gmt": "0000-00-00 00:00:00"}, lambda p: p.sale_to, None),
    "a custom field as an object's row": ({"meta_data": {"3": {"key": META, "value": 5}}}, lambda p: p.meta[META], 5),
}


@pytest.mark.claim("K30")
@pytest.mark.parametrize("name", ABSENT_OR_NUMBERS)
async def test_each_php_form_of_a_product_is_read(name: str) -> None:
    fields, read, meant = ABSENT_OR_NUMBERS[name]
    async with client(lambda request: page([product_json(7, "A-1") | fields])) as shop:
        [found] = (await collect_listing(shop.every_product())).records
    assert read(found) == meant


async def test_an_invalid_variation_does_not_hide_the_others() -> None:
    async with world() as w:
        family = w.product(name="Shirt", type="variable")
        odd, good = (w.variation(family, sku=f"SHIRT-{size}") for size in "SM")
        w.faults.add(rewrite(f"/products/{family}/variations", odd, {"sku": ["S"]}))
        found = await collect_listing(w.client.every_product())
        assert [one.id for one in found.records] == [family, good]
        assert [f"product {odd}" in one.detail for one in found.unreadable] == [True]


async def test_non_finite_numbers_are_invalid_only_in_their_own_record() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        body = b'[{"id": 5, "sku": "A", "price": 1e99999999999999999999}, {"id": 6, "weight": ' + b"9" * 5000 + b"}]"
        return httpx.Response(200, content=body)

    async with client(answer) as shop:
        found = await collect_listing(shop.every_product())
    assert [one.id for one in found.records] == [5, 6]
    assert str(found.records[0].price) == "1e99999999999999999999"


async def test_an_account_with_a_text_id_still_exists() -> None:
    async with client(lambda request: page([{"id": "5"}, {"id": 6}, {"id": "x"}])) as shop:
        assert await shop.existing_customers([5, 6, 7]) == {5, 6}


SETTINGS: dict[str, tuple[Any, Any]] = {
    "yes": ("yes", True),
    "no": ("no", False),
    "a list": ([], False),
    "1": (1, True),
}


@pytest.mark.claim("K30")
@pytest.mark.parametrize("name", SETTINGS)
async def test_each_php_form_of_the_shop_settings_is_read(name: str) -> None:
    value, meant = SETTINGS[name]
    rows = [
        {"id": "woocommerce_prices_include_tax", "value": value},
        {"id": "woocommerce_tax_based_on", "value": value},
        {"id": ["odd"], "value": {}},
    ]
    async with client(lambda request: page(rows)) as shop:
        assert (await shop.tax_settings()).prices_include_tax is meant


@pytest.mark.parametrize("junk", [None, False, [], "old", [[]], {"version": []}], ids=str)
async def test_an_unreadable_system_status_affects_no_other_check(junk: Any) -> None:
    answer = {"environment": junk, "settings": junk}
    async with client(lambda request: httpx.Response(200, json=answer)) as shop:
        status = await shop.status()
    assert (status.environment.version, status.settings.hpos_sync) == ("", False)
