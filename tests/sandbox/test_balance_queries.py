"""Query parameters: which are understood, and what they select."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest

from services.sandbox.balance.catalogue import MAIN, VAKE
from services.sandbox.balance.goods import recorded_shop_goods
from services.sandbox.balance.record import make_uid
from services.sandbox.balance.stock_and_prices import REGULAR, SALE
from tests.sandbox.balance_bench import COFFEE, TEA, Bench, own_uid, sale

PROFILE = "0f1e2d3c-0000-4000-8000-00000000000a"


def uids(answer: httpx.Response) -> list[str]:
    return [row["uid"] for row in answer.json()]


@pytest.mark.parametrize(
    ("resource", "parameters"),
    [
        ("Items", {"uid": TEA}),
        ("Items", {"InternalArticle": "ჩაი-02"}),
        ("Items", {"uid": TEA, "IsGroup": "false"}),
    ],
)
async def test_items_are_filtered_by_equality(resource: str, parameters: dict[str, str]) -> None:
    assert uids(await Bench().get(resource, **parameters)) == [TEA]


async def test_documents_are_found_by_their_fields() -> None:
    bench = Bench()
    await bench.put(sale(name=1, PrimaryDocument="1"), sale(name=2, PrimaryDocument="2"))
    assert uids(await bench.get("Sale", PrimaryDocument="2")) == [own_uid(2)]
    assert uids(await bench.get("Sale")) == [own_uid(1), own_uid(2)]


@pytest.mark.parametrize(
    ("resource", "parameters"),
    [
        ("Items", {"Colour": "red"}),
        ("ItemsSeries", {"StartingPeriod": ""}),
        ("ItemsSeries", {"item": TEA}),
        ("Warehouses", {"Pack": "1"}),
        ("Stocks", {"Warehouse": MAIN}),
        ("Prices", {"StartingPeriod": ""}),
    ],
)
async def test_an_unknown_parameter_is_404(resource: str, parameters: dict[str, str]) -> None:
    answer = await Bench().get(resource, **parameters)
    assert answer.status_code == 404
    assert answer.text.startswith("Unknown parameter")
    lenient = await Bench(dialect={"unknown_parameter": "ignored"}).get(resource, **parameters)
    assert lenient.status_code == 200


async def test_the_vendors_template_of_stocks_is_understood() -> None:
    bench = Bench(dialect={"empty_uid_status": None})
    answer = await bench.get("Stocks", uid="", StartingPeriod="", EndingPeriod="", Source="", Total="false")
    assert answer.json() == (await bench.get("Stocks")).json()


@pytest.mark.parametrize("resource", ["Stocks", "Prices", "ItemPricing", "Items"])
async def test_an_empty_uid_is_502(resource: str) -> None:
    assert (await Bench().get(resource, uid="")).status_code == 502


@pytest.mark.parametrize("resource", ["Stocks", "Prices", "ItemPricing"])
@pytest.mark.parametrize(
    ("switch", "with_uid", "without"), [("accepted", 200, 200), ("needed", 200, 404), ("rejected", 404, 200)]
)
async def test_the_constant_uid(resource: str, switch: str, with_uid: int, without: int) -> None:
    bench = Bench(dialect={"uid_parameter": switch})
    assert (await bench.get(resource, uid=PROFILE)).status_code == with_uid
    assert (await bench.get(resource)).status_code == without


@pytest.mark.parametrize(
    ("switch", "with_source", "without"), [("accepted", 200, 200), ("needed", 200, 404), ("rejected", 404, 200)]
)
async def test_the_source_parameter(switch: str, with_source: int, without: int) -> None:
    bench = Bench(dialect={"source_parameter": switch})
    assert (await bench.get("Stocks", Source="B2C")).status_code == with_source
    assert (await bench.get("Stocks")).status_code == without


async def test_a_needed_parameter_that_is_missing_can_look_like_an_empty_database() -> None:
    bench = Bench(dialect={"uid_parameter": "needed", "no_match": "empty"})
    assert (await bench.get("Stocks")).json() == []


async def test_pages_make_up_the_whole_list() -> None:
    bench = Bench()
    pages = [await bench.get("Items", Pack=str(number), PackSize="50") for number in range(1, 6)]
    assert [row for page in pages for row in page.json()] == (await bench.get("Items")).json()
    assert (await bench.get("Items", Pack="99", PackSize="50")).json() == []


async def test_a_page_beyond_the_last_may_be_404() -> None:
    answer = await Bench(dialect={"page_beyond": "not-found"}).get("Items", Pack="99", PackSize="50")
    assert (answer.status_code, answer.text) == (404, "Not Found")


async def test_paging_may_be_ignored_or_rejected() -> None:
    ignored = await Bench(dialect={"paging": "ignored"}).get("Items", Pack="2", PackSize="5")
    assert len(ignored.json()) > 100
    rejected = await Bench(dialect={"paging": "rejected"}).get("Items", Pack="2", PackSize="5")
    assert (rejected.status_code, rejected.text) == (404, 'Unknown parameter "Pack"')


@pytest.mark.parametrize(("pack", "size"), [("0", "5"), ("1", "-5"), ("first", "5")])
async def test_a_senseless_page_is_400(pack: str, size: str) -> None:
    assert (await Bench().get("Items", Pack=pack, PackSize=size)).status_code == 400


async def test_stock_comes_by_lot_or_summed() -> None:
    bench = Bench()
    kept_by_lots = recorded_shop_goods()[0].uid
    detailed = [row for row in (await bench.get("Stocks", Total="false")).json() if row["Item"] == kept_by_lots]
    summed = [row for row in (await bench.get("Stocks", Total="true")).json() if row["Item"] == kept_by_lots]
    in_main = [Decimal(row["Quantity"]) for row in detailed if row["Warehouse"] == MAIN]
    assert len(in_main) == 3
    assert [Decimal(row["Quantity"]) for row in summed if row["Warehouse"] == MAIN] == [sum(in_main)]
    default = (await Bench(dialect={"stocks_total": "summed"}).get("Stocks")).json()
    assert default == (await bench.get("Stocks", Total="true")).json()


async def test_lots_of_one_item() -> None:
    bench = Bench()
    kept_by_lots = recorded_shop_goods()[0].uid
    rows = (await bench.get("ItemsSeries", Item=kept_by_lots)).json()
    assert {row["uid"] for row in rows} == {
        lot for lot, row in bench.books.series.items() if row["Item"] == kept_by_lots
    }
    assert rows[0]["ValidUntil"] == "2026-12-11T00:00:00"
    assert rows[0]["Name"] == "001 - 11.12.2026"


async def test_all_lots_may_be_forbidden() -> None:
    assert len((await Bench().get("ItemsSeries")).json()) == 6
    assert (await Bench(dialect={"series_bulk": False}).get("ItemsSeries")).status_code == 403


async def test_prices_of_one_item_by_source() -> None:
    rows = (await Bench().get("Prices", Source=make_uid("item", "sku:КОФЕ-12"))).json()
    assert {row["PriceType"]: row["Price"] for row in rows} == {REGULAR: "1", SALE: "0.87"}


async def test_prices_are_what_the_newest_pricing_document_says() -> None:
    bench = Bench()
    documents = (await bench.get("ItemPricing")).json()
    newest = {}
    for document in sorted(documents, key=lambda one: one["Date"]):
        newest.update({(document["PriceType"], row["Item"]): row["Price"] for row in document["Items"]})
    current = {(row["PriceType"], row["Item"]): row["Price"] for row in (await bench.get("Prices")).json()}
    assert {key: price for key, price in newest.items() if price != "0"} == current
    assert len([1 for document in documents for row in document["Items"] if row["Item"] == COFFEE]) == 2


async def test_an_article_of_two_items_gives_both() -> None:
    rows = (await Bench().get("Items", InternalArticle="TWIN-001")).json()
    assert len({row["uid"] for row in rows}) == 2


async def test_warehouses_keep_their_stock_apart() -> None:
    bench = Bench()
    bench.books.stocks.put(TEA, VAKE, Decimal(7))
    rows = (await bench.get("Stocks")).json()
    assert [row["Quantity"] for row in rows if (row["Item"], row["Warehouse"]) == (TEA, VAKE)] == ["7"]
