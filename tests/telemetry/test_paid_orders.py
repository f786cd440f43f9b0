"""A paid order without a document is counted, whatever the state of its delivery."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.model import Event
from contracts.operations import DiscardRequested
from contracts.reasons import Reason
from services.engine.outbox.outcome import Refused
from services.order_exporter.handlers import SALE_LANE, handlers
from services.order_exporter.readings import COUNT_INTERVAL, UndocumentedOrdersReadings
from tests.outbox.bench import Bench, open_bench
from tests.outbox.sample_service import record
from tests.support.exporting import KEY, PAID, SHOP, line, link, order, recorded_sale, settings
from tests.telemetry.scrape import scrape

USING = settings()
NINE = PAID + timedelta(hours=9)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """order-exporter without deliveries, nine hours after the payment of the order."""
    async with open_bench(tmp_path, handlers(USING)) as found:
        found.clock.now = NINE
        yield found


async def undocumented(bench: Bench, *facts: Event, **how: Any) -> tuple[float | None, float | None]:
    """The number of orders due for a Sale after these facts, and the hours that the oldest has waited."""
    await bench.take(*[record(fact, offset=n) for n, fact in enumerate(facts)])
    look = UndocumentedOrdersReadings((settings(**how) if how else USING).shops)
    found = scrape(await look(bench.database, bench.clock()))
    about = {"service": "order-exporter", "shop": SHOP}
    age = found("davtari_paid_order_without_document_age_seconds", **about)
    return found("davtari_paid_orders_without_document", **about), None if age is None else age / 3600


@pytest.mark.claim("K17")
async def test_an_order_waiting_for_a_link_is_counted_with_its_age(bench: Bench) -> None:
    assert await undocumented(bench, order(line(1, "60.00"))) == (1, 9)


@pytest.mark.claim("K17")
async def test_an_order_whose_sale_was_lost_is_counted(bench: Bench) -> None:
    # given an order whose delivery was lost from the outbox: no queue shows it
    await bench.take(record(link(311)), record(order(line(1, "60.00"))))
    async with bench.database.write() as connection:
        await connection.exec_driver_sql("DELETE FROM outbox_deliveries")
    assert await undocumented(bench) == (1, 9)


async def test_an_order_with_a_recorded_sale_is_not_counted(bench: Bench) -> None:
    bought = order(line(1, "60.00"))
    assert await undocumented(bench, link(311), bought, recorded_sale(bought, USING)) == (0, 0)


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "pending", "paid_at": None},
        {"status": "cancelled"},
        {"status": "on-hold", "payment_method": "bacs", "paid_at": None},
    ],
)
async def test_an_order_not_due_for_a_sale_is_not_counted(bench: Bench, fields: dict[str, Any]) -> None:
    assert await undocumented(bench, order(line(1, "60.00"), **fields)) == (0, 0)


async def test_an_order_counts_from_the_end_of_its_hold(bench: Bench) -> None:
    assert await undocumented(bench, order(line(1, "60.00")), hold=10 * 3600.0) == (0, 0)
    assert await undocumented(bench, hold=7 * 3600.0) == (1, 2)


async def test_nothing_is_counted_unless_orders_are_live(bench: Bench) -> None:
    assert await undocumented(bench, order(line(1, "60.00")), flow="dry-run") == (None, None)


async def test_a_discarded_order_is_not_counted_but_one_with_a_dead_letter_is(bench: Bench) -> None:
    await bench.take(record(link(311)), record(order(line(1, "60.00"))))
    [row] = await bench.engine.claim(SALE_LANE, 1, ())
    await bench.settle(row, Refused(Reason.BALANCE_REFUSED, "the period is closed"))
    assert await undocumented(bench) == (1, 9)
    [dead_letter] = await bench.dead_letters()
    discard = {"command_id": "c", "asked_by": "nino", "asked_at": NINE, "why": "a test order"}
    await bench.take(record(DiscardRequested(dead_letter=dead_letter.dead_letter, **discard)))
    assert await undocumented(bench) == (0, 0)
    assert dead_letter.delivery is not None
    assert dead_letter.delivery.subject == KEY


async def test_orders_are_read_once_a_minute_while_their_age_grows(bench: Bench) -> None:
    await bench.take(record(order(line(1, "60.00"))))
    look = UndocumentedOrdersReadings(USING.shops)
    await look(bench.database, NINE)
    await bench.take(record(order(line(1, "60.00"), status="cancelled"), version=2))
    _, age = await look(bench.database, NINE + COUNT_INTERVAL / 2)
    assert age.value == (9 * 3600 + 30)
    _, age = await look(bench.database, NINE + COUNT_INTERVAL)
    assert age.value == 0
