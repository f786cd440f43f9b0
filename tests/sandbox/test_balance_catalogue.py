"""The catalogue that fits the recorded shop, with all that an importer must leave alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from services.sandbox import recorded
from services.sandbox.balance import goods, stock_and_prices
from services.sandbox.balance.app import create_balance
from services.sandbox.balance.catalogue import STANDARD_CATALOGUE, CatalogueRequest, fill_catalogue
from services.sandbox.balance.items import GOODS, SERVICE
from services.sandbox.balance.record import ZERO
from services.sandbox.balance.stock_and_prices import SALE
from tests.sandbox.balance_bench import NOW, Bench


def items(bench: Bench) -> list[dict[str, Any]]:
    return [row for row in bench.books.items.rows() if not row["IsGroup"]]


def shop_skus() -> set[str]:
    catalogue = recorded.get_catalogue()
    variations = [each for every in catalogue["variations"].values() for each in every]
    simple = [product for product in catalogue["products"] if product["type"] == "simple"]
    return {each["sku"] for each in [*simple, *variations] if each["sku"]}


def test_every_sku_of_the_shop_is_an_article() -> None:
    articles = Counter(row["InternalArticle"] for row in items(Bench()))
    assert {articles[sku] for sku in shop_skus()} == {1}


def test_what_an_importer_must_leave_alone_is_there() -> None:
    rows = items(Bench())
    articles = Counter(row["InternalArticle"] for row in rows)
    internal = {goods.group_uid(goods.MATERIALS), goods.group_uid(goods.ASSETS)}
    assert sum(row["ItemType"] == SERVICE for row in rows) == 12
    assert sum(row["Group"] in internal for row in rows) == 22
    assert articles[""] == 5
    assert [article for article, times in articles.items() if times == 2 and article] == ["TWIN-001"]
    assert len(set(articles) - shop_skus()) > 30


def test_a_service_hides_among_the_goods() -> None:
    groups_of_services = {row["Group"] for row in items(Bench()) if row["ItemType"] == SERVICE}
    assert goods.group_uid(goods.HOME) in groups_of_services


def test_groups_make_a_tree() -> None:
    bench = Bench()
    parents = {row["uid"]: row["Group"] for row in bench.books.items.rows() if row["IsGroup"]}
    assert len(parents) == len(goods.ALL_FOLDERS)
    assert all(parent == ZERO or parent in parents for parent in parents.values())
    assert all(row["Group"] in parents for row in items(bench))


def test_zero_rated_and_untaxed_products_keep_their_rate() -> None:
    rates = {row["InternalArticle"]: row["VATRate"] for row in items(Bench())}
    found = (rates["4860001234504"], rates["a b/59.5"], rates["SKU-001"])
    assert found == (stock_and_prices.ZERO_RATE, stock_and_prices.WITHOUT_VAT, stock_and_prices.REGULAR_RATE)


def test_goods_have_stock_and_reserve_in_three_warehouses_and_some_have_none() -> None:
    bench = Bench()
    goods = [row["uid"] for row in items(bench) if row["ItemType"] == GOODS]
    levels = {item: bench.books.stocks.levels(item) for item in goods}
    assert {warehouse for places in levels.values() for warehouse, _ in places} == set(bench.books.warehouses)
    assert any(level.reserve for places in levels.values() for level in places.values())
    assert any(level.quantity % 1 for places in levels.values() for level in places.values())
    assert any(not places for places in levels.values())


def test_prices_come_in_two_types() -> None:
    bench = Bench()
    on_sale = {row["Item"] for row in bench.books.prices.rows() if row["PriceType"] == SALE}
    regular = {row["Item"] for row in bench.books.prices.rows() if row["PriceType"] != SALE}
    assert on_sale
    assert on_sale < regular


def test_the_same_order_gives_the_same_books() -> None:
    first, second = Bench(), Bench()
    fill_catalogue(second.books, STANDARD_CATALOGUE)
    assert list(first.books.items.rows()) == list(second.books.items.rows())
    assert list(first.books.prices.documents()) == list(second.books.prices.documents())


@pytest.mark.parametrize(("clear", "services"), [(True, 0), (False, 12)])
def test_an_order_may_come_on_top(clear: bool, services: int) -> None:
    bench = Bench()
    fill_catalogue(bench.books, CatalogueRequest(generate=3, clear=clear))
    rows = items(bench)
    assert sum(row["InternalArticle"].startswith("GEN-") for row in rows) == 3
    assert sum(row["ItemType"] == SERVICE for row in rows) == services


def test_an_empty_balance_has_nothing() -> None:
    books = create_balance(clock=lambda: NOW).books
    assert (len(books.items), len(books.clients), books.warehouses) == (0, 0, {})
