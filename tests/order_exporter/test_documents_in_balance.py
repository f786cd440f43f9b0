"""Sales orders, split Sales and missing stock against the Balance sandbox, by the real client and engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.balance import StockChanged, StockRow
from contracts.ledger import SaleRecorded
from contracts.placement import SalePostponed, WarehouseChosen
from contracts.sales_orders import SalesOrderEnded, SalesOrderRecorded
from contracts.shop import OrderChanged
from services.engine.outbox.lane import Deliver
from services.order_exporter import handlers as order_handlers
from services.order_exporter.deliveries import deliveries
from services.sandbox.balance.app import BalanceSandbox
from services.sandbox.balance.catalogue import MAIN, RETAIL_CLIENT, VAKE
from services.sandbox.balance.record import make_uid
from services.settings.model import Settings
from tests.outbox.bench import Bench, open_bench
from tests.outbox.sample_service import record
from tests.support.balance_sandbox import client_of, sandbox
from tests.support.exporting import PLACED, line, link, order, settings
from tests.support.memory_state import NOON

TEA, COFFEE = make_uid("item", "sku:ჩაი-02"), make_uid("item", "sku:SKU-001")
RULE = {"status": "on-hold", "document": "sales-order"}


@asynccontextmanager
async def exporting(folder: Path, **orders: Any) -> AsyncIterator[tuple[Bench, BalanceSandbox, Deliver]]:
    app = sandbox(rules={"allow_negative_stock": False})
    using: Settings = settings(retail_client=RETAIL_CLIENT, **{"warehouse": MAIN, **orders})
    async with client_of(app) as client, open_bench(folder, order_handlers.handlers(using)) as bench:
        for product, item in ((311, TEA), (312, COFFEE)):
            await bench.take(record(link(product, item=item)))
        yield bench, app, deliveries(client, using.balance.dialect, lambda: NOON)["balance.documents"]


async def run(bench: Bench, lane: Deliver) -> None:
    while rows := await bench.engine.claim("balance.documents", 10, ()):
        for row in rows:
            [outcome] = await lane([row])
            await bench.settle(row, outcome)


async def event_types(bench: Bench) -> list[type]:
    return [type(envelope.data) for envelope in await bench.published()]


def bought(**fields: Any) -> OrderChanged:
    return order(line(1, "20.00", quantity="2"), line(2, "9.00", product=312, quantity="1"), **fields)


def level(app: BalanceSandbox, item: str, warehouse: str) -> tuple[Decimal, Decimal]:
    levels = [each for (at, _), each in app.books.stocks.levels(item).items() if at == warehouse]
    return sum((each.quantity for each in levels), Decimal(0)), sum((each.reserve for each in levels), Decimal(0))


def laid(app: BalanceSandbox, item: str, main: int, vake: int) -> StockChanged:
    """So many pieces in the two warehouses, in Balance and as it was read."""
    app.books.stocks.delete(item)
    quantities = {MAIN: Decimal(main), VAKE: Decimal(vake)}
    for warehouse, quantity in quantities.items():
        app.books.stocks.put(item, warehouse, quantity=quantity)
    rows = tuple(StockRow(warehouse=at, quantity=count, reserve=Decimal(0)) for at, count in quantities.items())
    return StockChanged(item=item, rows=rows, observed_at=PLACED)


@pytest.mark.claim("S4.31")
async def test_a_reserve_becomes_a_sale_in_the_books(tmp_path: Path) -> None:
    async with exporting(tmp_path, rules=[RULE]) as (bench, app, lane):
        laid(app, TEA, 2, 0), laid(app, COFFEE, 1, 0)
        await bench.take(record(bought(status="on-hold", paid_at=None)))
        await run(bench, lane)
        assert [level(app, TEA, MAIN), level(app, COFFEE, MAIN)] == [(2, 2), (1, 1)]
        await bench.take(record(bought(), version=2))
        await run(bench, lane)
        assert [level(app, TEA, MAIN), level(app, COFFEE, MAIN)] == [(0, 0), (0, 0)]
        assert await event_types(bench) == [SalesOrderRecorded, SalesOrderEnded, SaleRecorded]


@pytest.mark.claim("S3.37")
async def test_goods_of_two_warehouses_leave_both(tmp_path: Path) -> None:
    async with exporting(tmp_path, warehouses=[MAIN, VAKE], split=True) as (bench, app, lane):
        for reading in (laid(app, TEA, 2, 0), laid(app, COFFEE, 0, 1)):
            await bench.take(record(reading))
        await bench.take(record(bought()))
        await run(bench, lane)
        assert [level(app, TEA, MAIN)[0], level(app, COFFEE, VAKE)[0]] == [0, 0]
        assert [document.total for document in app.books.sales] == [Decimal("20.00"), Decimal("9.00")]
        assert await event_types(bench) == [WarehouseChosen, SaleRecorded]


@pytest.mark.claim("S3.39")
async def test_a_sale_waits_for_the_receipt_in_the_books(tmp_path: Path) -> None:
    async with exporting(tmp_path, short_stock="wait") as (bench, app, lane):
        laid(app, TEA, 1, 0), laid(app, COFFEE, 1, 0)
        await bench.take(record(bought()))
        await run(bench, lane)
        assert (await event_types(bench), len(app.books.sales)) == ([SalePostponed], 0)
        for offset, reading in enumerate((laid(app, TEA, 2, 0), laid(app, COFFEE, 1, 0)), start=5):
            later = reading.model_copy(update={"observed_at": NOON.replace(hour=23)})
            await bench.take(record(later, offset=offset))
        await run(bench, lane)
        assert await event_types(bench) == [SalePostponed, SaleRecorded]
        assert level(app, TEA, MAIN)[0] == 0
