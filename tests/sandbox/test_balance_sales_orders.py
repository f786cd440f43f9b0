"""Sales orders and unposted Sales in the Balance sandbox, through the services' own client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from services.connectors.balance.client import Balance
from services.connectors.balance.documents import read_stored_document
from services.connectors.balance.stocks import read_stock_row
from services.engine.outbox.upstream_errors import Rejected
from services.sandbox.balance.app import BalanceSandbox
from services.sandbox.balance.catalogue import MAIN, RETAIL_CLIENT
from services.sandbox.balance.record import make_uid
from services.settings.balance import Dialect
from tests.support.balance_sandbox import client_of, sandbox


@asynccontextmanager
async def meeting(dialect: dict[str, str]) -> AsyncIterator[tuple[Balance, BalanceSandbox]]:
    """Our client and a sandbox that speak alike."""
    app = sandbox(dialect=dialect)
    async with client_of(app, **dialect) as client:
        yield client, app


TEA = make_uid("item", "sku:ჩაი-02")
ORDER, SALE = (f"5e1fb0c2-3c5a-5d0e-8a43-0f1e5a7b9d0{n}" for n in (1, 2))


def document(number: str, **fields: Any) -> dict[str, Any]:
    line = {"Item": TEA, "Quantity": "2", "Price": "5.90", "Amount": "11.80"}
    header = {"uid": number, "Date": "2026-11-20T00:00:00", "Warehouse": MAIN, "Client": RETAIL_CLIENT}
    return header | {"Items": [line | fields.pop("line", {})]} | fields


async def level(client: Balance) -> tuple[Decimal, Decimal]:
    """On hand and reserved."""
    rows = [read_stock_row(row) async for row in client.stocks()]
    here = [row for item, row in rows if (item, row.warehouse) == (TEA, MAIN)]
    return sum((row.quantity for row in here), Decimal(0)), sum((row.reserve for row in here), Decimal(0))


@pytest.mark.parametrize("resource", ["SalesOrders", "SalesOrder"])
@pytest.mark.parametrize("asked", [{"line": {"Reserve": "2"}}, {"AutomaticReservation": True}])
async def test_a_sales_order_reserves_and_moves_nothing(resource: str, asked: dict[str, Any]) -> None:
    async with meeting({"sales_order_resource": resource}) as (client, _):
        before, reserved = await level(client)
        await client.put_sales_order(document(ORDER, **asked))
        assert await level(client) == (before, reserved + 2)
        stored = read_stored_document(await client.sales_order(ORDER) or {}, resource, Dialect())
        assert (stored.lines[0].reserve, stored.total) == (Decimal(2), Decimal("11.80"))
        await client.put_sales_order(document(ORDER, line={"Reserve": "0"}, AutomaticReservation=False))
        assert await level(client) == (before, reserved)


async def test_a_sale_sent_as_unposted_moves_nothing_until_it_is_posted() -> None:
    async with meeting({"posted_field": "Posted"}) as (client, _):
        before, _reserve = await level(client)
        for posted, moved in ((False, 0), (True, 2)):
            await client.put_sale(document(SALE, Posted=posted))
            row = await client.sale(SALE) or {}
            assert read_stored_document(row, "Sale", Dialect(posted_field="Posted")).posted is posted
            assert (await level(client))[0] == before - moved


async def test_missing_stock_is_refused_in_words_that_the_dialect_knows_and_may_leave_a_draft() -> None:
    async with meeting({"posted_field": "Posted"}) as (client, app):
        rules = {"allow_negative_stock": False, "failed_posting": "draft"}
        app.books.settings = app.books.settings.changed({"rules": rules})
        with pytest.raises(Rejected) as refusal:
            await client.put_sale(document(SALE, line={"Quantity": "9999"}, Posted=True))
        row = await client.sale(SALE) or {}
    assert refusal.value.reason == "balance.stock-short"
    assert read_stored_document(row, "Sale", Dialect(posted_field="Posted")).posted is False
