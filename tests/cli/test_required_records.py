"""Records that documents need in Balance, and the opening stock as a file."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.cli import opening_stock, required_records
from services.cli.csv_file import write_csv
from services.connectors.balance.clients import ClientRef
from services.connectors.woocommerce.store import ShopTaxRate
from services.settings.balance import ListTexts
from services.settings.orders import OrderSettings
from tests.catalog_importer.catalogue_bench import world

RETAIL, DELIVERY = "11111111-0000-4000-8000-000000000001", "11111111-0000-4000-8000-000000000002"
NUMBER = "00000000000"


class Books:
    """Balance with one service item; clients by number."""

    def __init__(self) -> None:
        self.clients: dict[str, ClientRef] = {}
        self.put: list[Mapping[str, Any]] = []

    async def item(self, uid: str) -> dict[str, Any] | None:
        return {"uid": uid} if uid == DELIVERY else None

    async def client(self, uid: str) -> ClientRef | None:
        return next((one for one in self.clients.values() if one.uid == uid), None)

    async def client_by_id(self, personal_or_company_id: str) -> ClientRef | None:
        return self.clients.get(personal_or_company_id)

    async def put_client(self, document: Mapping[str, Any]) -> None:
        self.put.append(document)
        self.clients[document["ID"]] = ClientRef(document["uid"], document["Name"], document["ID"], None, False)


def rate(percent: str) -> ShopTaxRate:
    """A tax rate of the shop."""
    return ShopTaxRate.model_validate({"id": 1, "rate": percent})


@pytest.mark.claim("S2.4")
async def test_missing_records_are_listed_with_their_setting() -> None:
    books = Books()
    orders = OrderSettings(retail_client=RETAIL, shipping_item=DELIVERY, fee_item="gone")
    found = await required_records.find_required_records(books, orders, "main", [rate("18.0000"), rate("12")])
    states = {one.setting.removeprefix("shops.main.orders."): one.state for one in found}
    assert states == {
        "retail-client": "missing",
        "shipping-item": "found",
        "fee-item": "missing",
        "rounding-item": "not set",
        "amount-item": "not set",
        'vat-rates."12"': "not set",
        'vat-rates."18"': "found",
    }
    assert all(one.fix for one in found if one.state != "found")
    assert books.put == []


@pytest.mark.claim("S2.4")
async def test_on_request_the_retail_client_is_created_once() -> None:
    books, lists = Books(), ListTexts()
    uid, made = await required_records.ensure_retail_client(books, NUMBER, lists)
    assert (made, len(books.put), books.put[0]["ID"]) == (True, 1, NUMBER)
    assert await required_records.ensure_retail_client(books, NUMBER, lists) == (uid, False)
    assert len(books.put) == 1


@pytest.mark.claim("S2.24")
async def test_opening_stock_is_exported_and_nothing_else_is_written(tmp_path: Path) -> None:
    async with world() as shop:
        counted = shop.product(name="ჩაი", sku="TEA-100", manage_stock=True, stock_quantity=7)
        shop.product(name="Not counted", sku="FREE")
        family = shop.product(name="Family", type="variable")
        size = shop.variation(family, sku="TEA-S", manage_stock=True, stock_quantity=3)
        rows, left_out = await opening_stock.read_stock_rows(shop.client, "_balance_uid")
        write_csv(tmp_path / "stock.csv", opening_stock.STOCK_COLUMNS, rows)
        assert (shop.writes(), left_out) == ([], [])
    with (tmp_path / "stock.csv").open(encoding="utf-8-sig", newline="") as file:
        read = [
            (row["sku"], Decimal(row["quantity"]), row["product_id"], row["variation_id"])
            for row in csv.DictReader(file)
        ]
    assert read == [("TEA-100", Decimal(7), str(counted), ""), ("TEA-S", Decimal(3), str(family), str(size))]
