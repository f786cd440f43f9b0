"""Both exporters on the real engine and state database: an order's way into the books, and a lost database."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from contracts.envelope import Envelope
from contracts.ledger import ClientRecorded, CreditNoteRecorded, SaleRecorded
from contracts.model import Event
from services.order_exporter import handlers as order_handlers
from services.refund_exporter import deliveries as refund_deliveries
from services.refund_exporter import handlers as refund_handlers
from services.settings.balance import Dialect
from tests.order_exporter.exporter_lanes import deliver_all, order_lanes
from tests.outbox.bench import open_bench
from tests.outbox.sample_service import record, record_of
from tests.support.exporting import PERSONAL_ID, buyer, given_back, line, link, order, push, refund, settings
from tests.support.fake_books import FakeBooks
from tests.support.memory_state import NOON

USING = settings()
BOUGHT = order(line(1, "60.00", quantity="4"), person=buyer(personal_id=PERSONAL_ID))
FACTS: list[Event] = [BOUGHT, link(311), push(command_id="p-9", order_id=77)]
REFUNDS: list[Event] = [refund("15.00", given_back(1, "15.00", quantity="1"))]


async def exported(folder: Path, books: FakeBooks) -> list[Envelope[Event]]:
    async with open_bench(folder, order_handlers.handlers(USING)) as bench:
        for fact in FACTS:
            await bench.take(record(fact))
        await deliver_all(bench, order_lanes(books))
        assert await bench.rows() == {}
        return await bench.published()


@pytest.mark.claim("S0.11")
async def test_an_order_waits_for_link_and_client_and_then_becomes_one_sale(tmp_path: Path) -> None:
    books = FakeBooks()
    published = await exported(tmp_path, books)
    assert [type(each.data) for each in published if each.data.TOPIC == "ledger.documents"] == [
        ClientRecorded,
        SaleRecorded,
    ]
    assert (books.puts("Sale"), books.puts("Clients")) == (1, 1)


@pytest.mark.parametrize("seed", range(6))
async def test_a_lost_database_comes_back_from_the_topics_and_sends_nothing_twice(tmp_path: Path, seed: int) -> None:
    books = FakeBooks()
    published = await exported(tmp_path / "old", books)
    calls = len(books.calls)
    records = [record(fact) for fact in FACTS] + [record_of(each) for each in published]
    random.Random(seed).shuffle(records)
    async with open_bench(tmp_path / "new", order_handlers.handlers(USING), caught_up=False) as rebuilt:
        for each in records:
            await rebuilt.take(each)
        await rebuilt.engine.finish_catch_up()
        await deliver_all(rebuilt, order_lanes(books))
        assert await rebuilt.published() == []
        assert await rebuilt.rows() == {}
    assert len(books.calls) == calls


@pytest.mark.claim("K6")
@pytest.mark.parametrize("sale_first", [True, False])
async def test_a_refund_goes_after_its_sale_and_only_once(tmp_path: Path, sale_first: bool) -> None:
    books = FakeBooks()
    sale = [record_of(each) for each in await exported(tmp_path / "orders", books)]
    issued = [record(fact) for fact in REFUNDS]
    async with open_bench(tmp_path / "refunds", refund_handlers.handlers(USING)) as bench:
        for batch in (sale, issued) if sale_first else (issued, sale):
            await bench.take(*batch)
        await deliver_all(bench, refund_deliveries.deliveries(books, Dialect(), lambda: NOON))
        published = await bench.published()
    assert [type(each.data) for each in published if each.data.TOPIC == "ledger.documents"] == [CreditNoteRecorded]
    async with open_bench(tmp_path / "rebuilt", refund_handlers.handlers(USING), caught_up=False) as rebuilt:
        await rebuilt.take(*issued, *sale, *map(record_of, published))
        await rebuilt.engine.finish_catch_up()
        await deliver_all(rebuilt, refund_deliveries.deliveries(books, Dialect(), lambda: NOON))
        assert await rebuilt.published() == []
    assert (books.puts("Sale"), books.puts("SalesCredit")) == (1, 1)
