"""Each way in which builds of Balance speak differently, switched and seen on the wire."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from services.sandbox.balance.catalogue import MAIN
from services.sandbox.balance.goods import GOODS, group_uid
from services.sandbox.balance.record import ZERO
from tests.sandbox.balance_bench import COFFEE, TEA, Bench, line, own_uid, sale


async def tea_in_main(bench: Bench) -> dict[str, Any]:
    rows = (await bench.get("Stocks")).json()
    return next(
        row for row in rows if (row["Item"], row["Warehouse"], row["Series"]) in {(TEA, MAIN, ZERO), (TEA, MAIN, "")}
    )


@pytest.mark.parametrize(
    ("dialect", "shown"),
    [
        ({}, "1234567.5"),
        ({"decimals": "comma"}, "1234567,5"),
        ({"decimals": "comma", "thousands": "space"}, "1 234 567,5"),
        ({"decimals": "comma", "thousands": "no-break"}, "1\u00a0234\u00a0567,5"),
        ({"decimals": "dot", "thousands": "narrow"}, "1\u202f234\u202f567.5"),
        ({"numbers": "number"}, 1234567.5),
    ],
)
async def test_numbers(dialect: dict[str, str], shown: object) -> None:
    bench = Bench(dialect=dialect)
    bench.books.stocks.put(TEA, MAIN, Decimal("1234567.500"))
    assert (await tea_in_main(bench))["Quantity"] == shown


@pytest.mark.parametrize(
    ("number", "shown"), [("-1234.5", "-1 234,5"), ("0.00", "0"), ("-0.5", "-0,5"), ("25.00", "25")]
)
async def test_signs_and_zeros_of_numbers(number: str, shown: str) -> None:
    bench = Bench(dialect={"decimals": "comma", "thousands": "space", "zero_stock": "listed"})
    bench.books.stocks.put(TEA, MAIN, Decimal(number))
    assert (await tea_in_main(bench))["Quantity"] == shown


@pytest.mark.parametrize(("switch", "folder", "goods"), [("text", "true", "false"), ("bool", True, False)])
async def test_is_group_is_text_or_a_boolean(switch: str, folder: object, goods: object) -> None:
    bench = Bench(dialect={"booleans": switch})
    rows = {row["uid"]: row["IsGroup"] for row in (await bench.get("Items")).json()}
    assert (rows[group_uid(GOODS)], rows[TEA]) == (folder, goods)


@pytest.mark.parametrize(("switch", "empty"), [("text", ""), ("null", None), ("missing", "left out")])
async def test_empty_fields(switch: str, empty: object) -> None:
    row = (await Bench(dialect={"empties": switch}).get("Items", uid=TEA)).json()[0]
    assert row.get("Barcode", "left out") == empty
    assert row["InternalArticle"] == "ჩაი-02"


@pytest.mark.parametrize(("switch", "root"), [("zero", ZERO), ("text", "")])
async def test_empty_references(switch: str, root: str) -> None:
    rows = (await Bench(dialect={"empty_reference": switch}).get("Items", uid=group_uid(GOODS))).json()
    assert rows[0]["Group"] == root


@pytest.mark.parametrize(("switch", "start"), [("dotted", "18.11.2026"), ("iso", "2026-11-18")])
async def test_discount_dates(switch: str, start: str) -> None:
    rows = (await Bench(dialect={"discount_dates": switch}).get("Discounts")).json()
    assert rows[0]["StartDate"] == start


@pytest.mark.parametrize(("switch", "name"), [("documented", "VATRate"), ("variant", "VATrate")])
async def test_casing_of_field_names(switch: str, name: str) -> None:
    bench = Bench(dialect={"casing": switch})
    await bench.put(sale())
    item = (await bench.get("Items", uid=TEA)).json()[0]
    document = (await bench.get("Sale", uid=own_uid("sale"))).json()[0]
    assert name in item
    assert name in document["Items"][0]


@pytest.mark.parametrize(
    ("switch", "header", "in_line"),
    [("written", "ReceivablesAccount", "AccountNumber"), ("accounting", "CustomersAccount", "AccountingAccount")],
)
async def test_names_of_document_fields_on_read(switch: str, header: str, in_line: str) -> None:
    bench = Bench(dialect={"read_names": switch})
    await bench.put(sale(line(AccountNumber="1610"), ReceivablesAccount="1410.01"))
    document = (await bench.get("Sale", uid=own_uid("sale"))).json()[0]
    assert (document[header], document["Items"][0][in_line]) == ("1410.01", "1610")


@pytest.mark.parametrize("wrapper", ["Source", "Items", "value"])
async def test_a_wrapper_around_the_rows(wrapper: str) -> None:
    body = (await Bench(dialect={"wrapper": wrapper}).get("Warehouses")).json()
    assert [row["Name"] for row in body[wrapper]] == ["Main", "Vake", "Batumi"]


async def test_one_row_may_come_as_an_object() -> None:
    bench = Bench(dialect={"single_object": True})
    assert (await bench.get("Items", uid=TEA)).json()["uid"] == TEA
    assert len((await bench.get("Warehouses")).json()) == 3


@pytest.mark.parametrize(("switch", "status", "body"), [("not-found", 404, "Not Found"), ("empty", 200, "[]")])
async def test_no_match(switch: str, status: int, body: str) -> None:
    answer = await Bench(dialect={"no_match": switch}).get("Clients", Name="ნინო მაგალითი")
    assert (answer.status_code, answer.text) == (status, body)


async def test_an_empty_answer_keeps_the_wrapper() -> None:
    answer = await Bench(dialect={"no_match": "empty", "wrapper": "Source"}).get("Items", uid=own_uid("none"))
    assert answer.json() == {"Source": []}


@pytest.mark.parametrize("there", [True, False])
async def test_reserve_may_be_missing_from_stock_rows(there: bool) -> None:
    rows = (await Bench(dialect={"reserve": there}).get("Stocks")).json()
    assert {"Reserve" in row for row in rows} == {there}


@pytest.mark.parametrize("listed", ["absent", "listed"])
async def test_items_without_stock_may_be_absent(listed: str) -> None:
    bench = Bench(dialect={"zero_stock": listed})
    for warehouse in bench.books.warehouses:
        bench.books.stocks.put(COFFEE, warehouse, Decimal(0), Decimal(0))
    rows = (await bench.get("Stocks")).json()
    assert any(row["Item"] == COFFEE for row in rows) == (listed == "listed")


@pytest.mark.parametrize(
    ("echo", "shape"),
    [("array", lambda body: body[0]["uid"]), ("object", lambda body: body["uid"])],
)
async def test_the_echo_of_a_write(echo: str, shape: Any) -> None:
    answer = await Bench(dialect={"echo": echo}).put(sale())
    assert shape(answer.json()) == own_uid("sale")


async def test_the_echo_of_a_write_may_be_empty() -> None:
    bench = Bench(dialect={"echo": "empty"})
    answer = await bench.put(sale())
    assert (answer.status_code, answer.content) == (200, b"")
    assert len(bench.books.sales) == 1


@pytest.mark.parametrize("language", ["ka", "ru"])
async def test_the_language_of_errors(language: str) -> None:
    answer = await Bench(dialect={"language": language}).put(sale(Client=""))
    expected = {"ka": "არ არის შევსებული ველი Client", "ru": "Не заполнено поле Client"}
    assert answer.json() == {"Error": [expected[language]]}


async def test_names_come_with_backslashes_entities_and_double_spaces() -> None:
    rows = (await Bench().get("Items", InternalArticle="EXTRA-010")).json()
    assert '"l\\m" &amp;  Co' in rows[0]["Name"]
