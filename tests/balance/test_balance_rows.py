"""Rows of Balance become values: letter case, empties and spellings do not matter, what is wrong is named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from contracts.balance import Accounts, ItemPrice, StockRow
from contracts.reasons import Reason
from services.connectors.balance.fields import RowInvalid, _spelled
from services.connectors.balance.items import ItemRow, is_folder, read_item
from services.connectors.balance.prices import read_price_row, select_latest_prices
from services.connectors.balance.stocks import Lot, Warehouse, read_lot, read_stock_row, read_warehouse
from services.settings.balance import Dialect
from tests.balance.balance_double import ITEM, MAIN, OTHER, ZERO, every

DIALECT = Dialect()
TEA = {
    "uid": ITEM.upper(),
    "Code": "000022",
    "Name": " შავი ჩაი 100 გ ",
    "FullName": "შავი ჩაი, 100 გ",
    "Group": OTHER,
    "IsGroup": "false",
    "InternalArticle": "TEA-100",
    "Barcode": "4860001234504",
    "Unit": "ცალი",
    "ItemType": "საქონელი",
    "Weight": "0,1",
    "VATRate": "ჩვეულებრივი",
    "InventoriesAccount": "1610",
    "RevenuesAccount": "6110",
    "AdditionalRequisites2": "promo",
}
STOCK = {"Item": ITEM, "Warehouse": MAIN, "Quantity": "1 234,5", "Reserve": "2", "Series": ZERO}
PRICE = {"Item": ITEM, "PriceType": OTHER, "Currency": MAIN, "Price": "12,50"}


def test_an_item_is_read_whole() -> None:
    assert read_item(TEA, DIALECT) == ItemRow(
        uid=ITEM,
        kind="goods",
        name="შავი ჩაი 100 გ",
        sku="TEA-100",
        code="000022",
        article="TEA-100",
        barcode="4860001234504",
        full_name="შავი ჩაი, 100 გ",
        group=OTHER,
        item_type="საქონელი",
        unit="ცალი",
        weight=Decimal("0.1"),
        vat_rate="ჩვეულებრივი",
        accounts=Accounts(inventories="1610", revenues="6110"),
        ext_code=None,
        requisites=(None, "promo", None),
        deleted=False,
    )


@pytest.mark.parametrize("recase", [str.upper, str.lower, str.swapcase])
def test_the_case_of_field_names_does_not_matter(recase: Any) -> None:
    assert read_item({recase(name): value for name, value in TEA.items()}, DIALECT) == read_item(TEA, DIALECT)


@pytest.mark.parametrize("empty", ["", None, "  ", "missing"])
def test_empty_null_and_missing_are_alike(empty: str | None) -> None:
    row: dict[str, Any] = {name: value for name, value in TEA.items() if name not in ("Barcode", "Weight")}
    row |= {} if empty == "missing" else {"Barcode": empty, "Weight": empty}
    assert (read_item(row, DIALECT).barcode, read_item(row, DIALECT).weight) == (None, None)


@pytest.mark.parametrize("empty", [ZERO, "-0000-0000-0000-", "", None])
def test_every_empty_reference_is_no_reference(empty: str | None) -> None:
    assert read_item(TEA | {"Group": empty}, DIALECT).group is None
    assert read_stock_row(STOCK | {"Series": empty})[1].lot is None


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"IsGroup": "true"}, "folder"),
        ({"IsGroup": True}, "folder"),
        ({"IsGroup": "True", "ItemType": ""}, "folder"),
        ({"IsGroup": False}, "goods"),
        ({"IsGroup": ""}, "goods"),
        ({"ItemType": "მომსახურება"}, "service"),
        ({"ItemType": "ნაკრები"}, "unknown"),
        ({"ItemType": ""}, "unknown"),
    ],
)
def test_folders_goods_and_services_are_distinguished(fields: dict[str, Any], kind: str) -> None:
    assert read_item(TEA | fields, DIALECT).kind == kind
    assert is_folder(TEA | fields) == (kind == "folder")


def test_what_an_item_without_type_is_can_be_set() -> None:
    assert read_item(TEA | {"ItemType": None}, Dialect(kind_without_type="goods")).kind == "goods"


@pytest.mark.parametrize(("field", "sku"), [("Code", "000022"), ("barcode", "4860001234504"), ("ExtCode", None)])
@pytest.mark.claim("S0.28")
def test_which_field_is_the_sku_is_a_setting(field: str, sku: str | None) -> None:
    assert read_item(TEA, Dialect(sku_field=field)).sku == sku


def test_a_code_that_comes_as_a_number_is_text() -> None:
    assert read_item(TEA | {"Code": 22}, DIALECT).code == "22"


def test_an_item_marked_for_deletion_is_seen() -> None:
    assert read_item(TEA | {"DeletionMark": "true"}, DIALECT).deleted


def test_a_stock_row_is_read() -> None:
    row = StockRow(warehouse=MAIN, quantity=Decimal("1234.5"), reserve=Decimal(2))
    assert read_stock_row(STOCK) == (ITEM, row)


@pytest.mark.parametrize(("reserve", "meant"), [(None, 0), ("", 0), ("0,5", Decimal("0.5"))])
def test_a_missing_reserve_is_none_reserved(reserve: str | None, meant: Any) -> None:
    assert read_stock_row(STOCK | {"Reserve": reserve})[1].reserve == meant


def test_negative_stock_is_taken_as_it_is() -> None:
    assert read_stock_row(STOCK | {"Quantity": "-3"})[1].quantity == -3


def test_a_price_row_is_read() -> None:
    assert read_price_row(PRICE) == (ITEM, ItemPrice(price_type=OTHER, price=Decimal("12.50"), currency=MAIN))


@pytest.mark.parametrize(
    ("read", "row", "field", "words"),
    [
        (read_stock_row, STOCK | {"Quantity": "12x"}, "Quantity", '"12x" is not a number'),
        (read_stock_row, STOCK | {"Quantity": ""}, "Quantity", "is empty"),
        (read_stock_row, STOCK | {"Quantity": "9" * 13}, "quantity", "which is not less than 1000000000000"),
        (read_stock_row, STOCK | {"Warehouse": ZERO}, "Warehouse", "is empty"),
        (read_stock_row, STOCK | {"Item": None}, "Item", "is empty"),
        (read_price_row, PRICE | {"Price": "1,234.50"}, "Price", "is not a number"),
        (read_price_row, PRICE | {"PriceType": ""}, "PriceType", "is empty"),
        (lambda row: read_item(row, DIALECT), TEA | {"Name": "", "FullName": None}, "Name", "is empty"),
        (lambda row: read_item(row, DIALECT), TEA | {"uid": ZERO}, "uid", "is empty"),
        (lambda row: read_item(row, DIALECT), TEA | {"Weight": "light"}, "Weight", '"light" is not a number'),
        (read_lot, {"uid": OTHER, "Item": ITEM, "ValidUntil": "soon"}, "ValidUntil", '"soon" is not a date'),
        (read_warehouse, {"Name": "Main"}, "uid", "is empty"),
    ],
)
def test_a_bad_row_is_refused_by_resource_uid_and_field(read: Any, row: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(RowInvalid) as raised:
        read(row)
    error = raised.value
    assert (error.reason, error.field) == (Reason.BALANCE_ROW_INVALID, field)
    assert words in error.detail
    assert error.resource in error.detail
    assert (error.uid or "a row without uid") in error.detail


def test_a_lot_and_a_warehouse_are_read() -> None:
    row = {"uid": OTHER, "Item": ITEM, "Name": "001 - 31.12.2023", "ValidUntil": "2023-12-31T00:00:00"}
    assert read_lot(row) == Lot(OTHER, ITEM, "001 - 31.12.2023", None, datetime(2023, 12, 30, 20, tzinfo=UTC))
    assert read_warehouse({"uid": MAIN, "Name": "Main", "Adress": "ვაკე"}) == Warehouse(MAIN, "Main", "ვაკე", False)


async def documents(*rows: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    for row in rows:
        yield row


def pricing(number: str, date: str | None, price: str, **more: Any) -> dict[str, Any]:
    lines = [{"Item": ITEM, "Price": price}]
    return {"uid": f"doc-{number}", "Number": number, "Date": date, "PriceType": OTHER, "Items": lines} | more


async def test_of_price_documents_in_any_order_the_newest_wins() -> None:
    rows = await every(
        select_latest_prices(
            documents(
                pricing("2", "2024-02-01T00:00:00", "12,00"),
                pricing("3", "2024-03-01T00:00:00", "13,00"),
                pricing("1", "2024-01-01T00:00:00", "11,00"),
                pricing("9", "2024-09-01T00:00:00", "19,00", DeletionMark=True),
                pricing("4", "2023-01-01T00:00:00", "4,00", PriceType=MAIN),
            )
        )
    )
    assert {price.price_type: (price.price, price.source) for _, price in map(read_price_row, rows)} == {
        OTHER: (Decimal("13.00"), "ItemPricing"),
        MAIN: (Decimal("4.00"), "ItemPricing"),
    }
    assert read_price_row(rows[0])[1].valid_from == datetime(2024, 2, 29, 20, tzinfo=UTC)


async def test_of_two_price_documents_of_one_moment_the_higher_number_wins() -> None:
    both = [pricing("0002", "01.01.2024", "2"), pricing("0001", "01.01.2024", "1")]
    (row,) = await every(select_latest_prices(documents(*both)))
    assert read_price_row(row)[1].price == 2


async def test_a_newest_price_of_zero_ends_the_price() -> None:
    both = [pricing("1", "2024-01-01", "1"), pricing("2", "2024-01-03", "0,00")]
    assert await every(select_latest_prices(documents(*both))) == []


async def test_a_price_document_of_tomorrow_can_wait() -> None:
    both = [pricing("1", "2024-01-01", "1"), pricing("2", "2024-01-03", "2")]
    (row,) = await every(select_latest_prices(documents(*both), until=datetime(2024, 1, 2, tzinfo=UTC)))
    assert read_price_row(row)[1].price == 1


@pytest.mark.parametrize("date", ["someday", None, "0001-01-01T00:00:00"])
async def test_a_price_document_that_cannot_be_ranked_is_reported_on_each_item(date: str | None) -> None:
    both = [pricing("1", date, "1"), pricing("2", "2024-01-03", "2")]
    (row,) = await every(select_latest_prices(documents(*both)))
    with pytest.raises(RowInvalid, match=r"ItemPricing.*Date"):
        read_price_row(row)


@pytest.mark.claim("K29")
@pytest.mark.parametrize("lines", ["none", ["none"], 7, [None]], ids=str)
async def test_a_price_document_without_readable_lines_is_reported_and_the_others_count(lines: object) -> None:
    odd, sound = pricing("7", "2024-01-01", "1", Items=lines), pricing("8", "2024-01-02", "2")
    rows = await every(select_latest_prices(documents(odd, sound)))
    assert [read_price_row(row)[1].price for row in rows if row["Item"]] == [2]
    (left,) = (row for row in rows if not row["Item"])
    with pytest.raises(RowInvalid, match=r"Balance ItemPricing, document .*: Item is empty"):
        read_price_row(left)


def test_the_spelling_of_fields_is_detected_once() -> None:
    """200,000 rows must be cheap: the spelling of a field is looked for once per shape of row, not in each row."""
    _spelled.cache_clear()
    for number in range(1_000):
        read_item({name.lower(): value for name, value in TEA.items()} | {"code": str(number)}, DIALECT)
    assert _spelled.cache_info().misses < 50
