"""The client and the Balance sandbox, which was made from the API's description alone, understand each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from contracts.reasons import Reason
from services.connectors.balance.client import Balance
from services.connectors.balance.documents import read_stored_document
from services.connectors.balance.items import read_item
from services.connectors.balance.prices import read_price_row, select_latest_prices
from services.connectors.balance.stocks import read_lot, read_stock_row
from services.engine.outbox.upstream_errors import AccessDenied, Rejected, Unavailable, UnknownOutcome
from services.sandbox.balance.app import BalanceSandbox
from services.sandbox.balance.catalogue import BATUMI, MAIN, RETAIL_CLIENT, VAKE
from services.sandbox.balance.record import make_uid
from services.sandbox.faults import InjectedFault
from services.sandbox.server import serve
from services.settings.balance import Dialect
from tests.balance.balance_double import NOON, every
from tests.support.balance_sandbox import client_of, sandbox

TEA = make_uid("item", "sku:ჩაი-02")
SALE = "5e1fb0c2-3c5a-5d0e-8a43-0f1e5a7b9c01"
NOTE = "5e1fb0c2-3c5a-5d0e-8a43-0f1e5a7b9c02"
DOCUMENT = {
    "uid": SALE,
    "Date": NOON,
    "Warehouse": MAIN,
    "Client": RETAIL_CLIENT,
    "Agreement": "",
    "AmountIncludesVAT": True,
    "Comments": "შეკვეთა 1042",
    "Items": [{"Item": TEA, "Quantity": Decimal(2), "Price": Decimal("5.90"), "Amount": Decimal("11.80")}],
}
CREDIT = DOCUMENT | {"uid": NOTE, "OperationType": "დაბრუნება", "BaseDocument": SALE}

# how the sandbox speaks, and what our settings must say to that
DIALECTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}),
    "comma and no-break space": ({"decimals": "comma", "thousands": "no-break"}, {}),
    "comma and space": ({"decimals": "comma", "thousands": "space", "booleans": "bool"}, {}),
    "comma and narrow space": ({"decimals": "comma", "thousands": "narrow", "empties": "null"}, {}),
    "numbers, empties left out": ({"numbers": "number", "empties": "missing", "booleans": "bool"}, {}),
    "empty references as text": ({"empty_reference": "text", "empties": "null"}, {}),
    "other casing and names on read": ({"casing": "variant", "read_names": "accounting"}, {}),
    "wrapped in Source": ({"wrapper": "Source"}, {}),
    "wrapped in Items": ({"wrapper": "Items", "no_match": "empty"}, {}),
    "single objects, echo as object": ({"single_object": True, "echo": "object"}, {}),
    "nothing is an empty list": ({"no_match": "empty", "echo": "empty"}, {}),
    "pages": ({}, {"paging": ["Items", "ItemPricing"], "page_size": 10}),
    "pages that end in 404": ({"page_beyond": "not-found"}, {"paging": ["Items"], "page_size": 7}),
    "pages ignored": ({"paging": "ignored"}, {"paging": ["Items"], "page_size": 7}),
    "pages unknown": ({"paging": "rejected"}, {}),
    "profile needed": (
        {"uid_parameter": "needed", "source_parameter": "needed"},
        {
            "uid_parameter": {"Stocks": MAIN, "Prices": MAIN, "ItemPricing": MAIN},
            "source_parameter": {"Stocks": "b2c", "Prices": "b2c"},
        },
    ),
    "stock summed unless asked": ({"stocks_total": "summed"}, {"stocks_total_false": True}),
    "Content-Type forbidden on GET": ({"content_type_on_get": "forbidden"}, {}),
    "another name for credit notes": (
        {"credit_note_resource": "SalesCreditNote"},
        {"credit_note_resource": "SalesCreditNote"},
    ),
    "unknown fields refused, numbers sent as numbers": ({"unknown_fields": "refused"}, {"numbers_as_text": False}),
}


@asynccontextmanager
async def joined(case: str) -> AsyncIterator[tuple[Balance, BalanceSandbox, Dialect]]:
    theirs, ours = DIALECTS[case]
    app = sandbox(dialect=theirs)
    async with client_of(app, **ours) as client:
        yield client, app, Dialect.model_validate(ours)


@pytest.mark.parametrize("case", DIALECTS)
@pytest.mark.claim("S0.28", "S4.6")
async def test_the_catalogue_is_the_same_in_every_dialect(case: str) -> None:
    async with joined(case) as (client, app, dialect):
        items = [read_item(row, dialect) for row in await every(client.items())]
    assert len(items) == len({each.uid for each in items}) == len(list(app.books.items.rows()))
    assert {each.kind for each in items} == {"folder", "goods", "service"}
    (tea,) = [each for each in items if each.uid == TEA]
    assert (tea.sku, tea.kind, tea.vat_rate, tea.barcode) == ("ჩაი-02", "goods", "ჩვეულებრივი", None)
    folders = {each.uid for each in items if each.kind == "folder"}
    assert tea.group in folders
    assert {each.group for each in items} - folders == {None}


@pytest.mark.parametrize("case", DIALECTS)
async def test_stock_is_the_same_in_every_dialect(case: str) -> None:
    async with joined(case) as (client, app, _):
        rows = [read_stock_row(row) for row in await every(client.stocks())]
        names = await client.warehouse_names()
        lots = {known.uid for known in [read_lot(row) async for row in client.series()]}
    assert names == {MAIN: "Main", VAKE: "Vake", BATUMI: "Batumi"}
    assert {row.lot for _, row in rows if row.lot} == lots
    assert any(row.quantity % 1 for _, row in rows)
    tea = {place: sum(row.quantity for known, row in rows if (known, row.warehouse) == (TEA, place)) for place in names}
    assert tea == {place: app.books.stocks.on_hand(TEA, place) for place in names}
    assert tea[MAIN] > 0


@pytest.mark.parametrize("case", DIALECTS)
async def test_prices_and_price_documents_say_the_same_in_every_dialect(case: str) -> None:
    async with joined(case) as (client, _, _):
        stated = [read_price_row(row) for row in await every(client.prices())]
        computed = [read_price_row(row) for row in await every(select_latest_prices(client.item_pricing()))]
    by_key = {(known, price.price_type): price.price for known, price in stated}
    assert by_key == {(known, price.price_type): price.price for known, price in computed}
    assert len(by_key) == len(stated) > 50


@pytest.mark.parametrize("case", DIALECTS)
async def test_a_sale_and_its_credit_note_are_read_back_as_written(case: str) -> None:
    async with joined(case) as (client, _, dialect):
        assert await client.sale(SALE) is None
        assert await client.credit_note(NOTE) is None
        await client.put_sale(DOCUMENT)
        await client.put_credit_note(CREDIT)
        sale, note = await client.sale(SALE), await client.credit_note(NOTE)
    assert sale is not None
    assert note is not None
    stored = read_stored_document(sale, "Sale", dialect)
    assert (stored.uid, stored.client, stored.warehouse) == (SALE, RETAIL_CLIENT, MAIN)
    assert (stored.total, stored.vat, stored.comments) == (Decimal("11.80"), Decimal("1.80"), "შეკვეთა 1042")
    assert (stored.date, stored.number is None, stored.deleted) == (NOON, False, False)
    assert [(line.item, line.quantity) for line in stored.lines] == [(TEA, Decimal(2))]
    credit = read_stored_document(note, dialect.credit_note_resource, dialect)
    assert (credit.base_document, credit.total) == (SALE, Decimal("11.80"))


@pytest.mark.parametrize("case", DIALECTS)
async def test_a_client_is_found_after_it_was_made(case: str) -> None:
    number = "01001012345"
    async with joined(case) as (client, _, _):
        assert await client.client_by_id(number) is None
        await client.put_client({"uid": NOTE, "Name": "ნინო მაგალითი", "ID": number, "Email": ""})
        found, same = await client.client_by_id(number), await client.client(NOTE)
    assert found is not None
    assert (found, found.uid, found.name) == (same, NOTE, "ნინო მაგალითი")


@pytest.mark.parametrize("case", DIALECTS)
async def test_the_probe_is_content_in_every_dialect(case: str) -> None:
    async with joined(case) as (client, _, _):
        found = await client.probe()
    assert [finding for finding in found if not finding.ok] == []


@pytest.mark.parametrize("language", ["ka", "ru"])
@pytest.mark.parametrize("status", [400, 500])
async def test_a_closed_period_is_distinguished_from_other_refusals(language: str, status: int) -> None:
    rules = {"error_status": status, "lock_date": "2026-12-01"}
    app = sandbox(dialect={"language": language}, rules=rules)
    async with client_of(app) as client:
        with pytest.raises(Rejected) as closed:
            await client.put_sale(DOCUMENT)
        with pytest.raises(Rejected) as incomplete:
            await client.put_sale({"uid": SALE})
    assert (closed.value.reason, closed.value.status) == (Reason.BALANCE_PERIOD_CLOSED, status)
    assert incomplete.value.reason == Reason.BALANCE_REFUSED
    assert "Date" in incomplete.value.message
    assert len(app.books.sales) == 0


async def test_closed_resources_are_reported_one_by_one() -> None:
    app = sandbox(rights={"forbidden": ["Stocks", "PUT Sale"]}, dialect={"series_bulk": False})
    async with client_of(app) as client:
        failed = [finding.resource for finding in await client.probe() if not finding.ok]
        with pytest.raises(AccessDenied):
            await client.put_sale(DOCUMENT)
    assert failed == ["Stocks", "ItemsSeries"]


async def test_a_broken_response_is_distinguished_from_a_lost_one() -> None:
    app = sandbox()
    async with serve(app) as served, client_of(None, served.url) as client:
        whole = len(await every(client.items()))
        app.add(InjectedFault(kind="truncate", match="GET .*/Items", times=1, keep=20_000))
        app.add(InjectedFault(kind="commit_then_reset", match="PUT .*/Sale", times=1))
        with pytest.raises(Unavailable):
            await every(client.items())
        with pytest.raises(UnknownOutcome):
            await client.put_sale(DOCUMENT)
        assert await client.sale(SALE) is not None
        assert len(await every(client.items())) == whole
    assert len(app.books.sales) == 1
