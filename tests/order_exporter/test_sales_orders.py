"""Sales orders: they reserve while the rules say so, become a Sale at its trigger, and then reserve nothing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.ledger import SaleRecorded
from contracts.sales_orders import SalesOrderEnded, SalesOrderPlanned, SalesOrderRecorded
from contracts.shop import OrderChanged
from services.accounting.documents.ids import sales_order_uid
from services.engine.outbox.decision import NOTHING, Decision
from services.engine.outbox.lane import Deliver, Row
from services.engine.outbox.outcome import Done, Outcome, Refused
from services.order_exporter import handlers as order_handlers
from services.order_exporter.deliveries import deliveries
from services.order_exporter.sales_orders import ending_task, sales_order_task
from services.order_exporter.tasks import SalesOrderTask
from services.settings.balance import Dialect
from services.settings.model import Settings
from tests.order_exporter.export_bench import client_recorded, consumer, person, task_of
from tests.outbox.bench import Bench, open_bench
from tests.outbox.sample_service import record
from tests.support.exporting import (
    KEY,
    ORDER,
    PLACED,
    SHIPPING,
    SHOP,
    item_of,
    line,
    link,
    order,
    push,
    recorded_sale,
    sale_task,
    settings,
)
from tests.support.fake_books import FakeBooks, Json
from tests.support.memory_state import NOON

RULE = {"payment_method": "bacs", "status": "on-hold", "document": "sales-order"}
UID = sales_order_uid(SHOP, ORDER)


def using(flow: str = "live", **orders: Any) -> Settings:
    return settings(flow, rules=[RULE], **orders)


def awaited(**fields: Any) -> OrderChanged:
    """An order that waits for its bank transfer."""
    return bought(**{"status": "on-hold", "paid_at": None, **fields})


def bought(**fields: Any) -> OrderChanged:
    lines = (line(1, "20.00", quantity="2"), line(2, "5.00", kind="shipping"))
    return order(*lines, **{"payment_method": "bacs", **fields})


def recorded_reservation(of: OrderChanged, **fields: Any) -> SalesOrderRecorded:
    """The sales order of an order in Balance."""
    task = sales_order_task(sale_task(of, using()), Dialect())
    content = task.model_dump(exclude={"document", "ends"})
    recorded = {"sent": task.document, "how": "written", "recorded_at": NOON, "reserved": ()}
    return SalesOrderRecorded.model_validate(content | recorded | fields)


def ended(why: str = "sold") -> SalesOrderEnded:
    given = {"shop": SHOP, "order_id": ORDER, "sales_order": UID, "why": why, "ended_at": NOON}
    return SalesOrderEnded.model_validate(given)


def reservation(decision: Decision) -> SalesOrderTask:
    [delivery] = [each for each in decision.deliveries if each.kind == "sales-order"]
    return SalesOrderTask.model_validate(delivery.payload)


# -- what is wanted


@pytest.mark.claim("S4.31")
def test_an_order_that_a_rule_makes_a_sales_order_reserves_and_is_no_sale() -> None:
    decision = consumer(using()).take(link(311), awaited())[KEY]
    [delivery] = decision.deliveries
    assert (delivery.id, delivery.kind, delivery.lane) == (f"sales-order:{KEY}", "sales-order", "balance.documents")
    document = reservation(decision).document
    assert (document["uid"], document["Comments"]) == (UID, "Order 1042, shop main | bacs")
    assert document["Items"] == [
        {
            "Item": item_of(311),
            "Quantity": "2",
            "Price": "10.0000",
            "Amount": "20.00",
            "VATRate": "ჩვეულებრივი",
            "Reserve": "2",
        },
        {"Item": SHIPPING, "Quantity": "1", "Price": "5.0000", "Amount": "5.00", "VATRate": "ჩვეულებრივი"},
    ]


@pytest.mark.parametrize(
    ("how", "reserve", "automatic"), [("lines", "2", None), ("automatic", None, True), ("none", None, None)]
)
def test_the_dialect_says_how_it_reserves(how: str, reserve: str | None, automatic: bool | None) -> None:
    of = using(balance={"dialect": {"sales_order_reserve": how}})
    document = reservation(consumer(of).take(link(311), awaited())[KEY]).document
    assert (document["Items"][0].get("Reserve"), document.get("AutomaticReservation")) == (reserve, automatic)


@pytest.mark.claim("S4.31")
def test_paid_it_becomes_a_sale_and_reserves_nothing_just_before() -> None:
    service = consumer(using())
    service.take(link(311), awaited())
    assert service.take(recorded_reservation(awaited()))[KEY] == NOTHING
    end, sale = service.take(bought())[KEY].deliveries
    assert (end.id, sale.id) == (f"sales-order-end:{KEY}", f"sale:{KEY}")
    task = SalesOrderTask.model_validate(end.payload)
    assert (task.ends, [row.get("Reserve") for row in task.document["Items"]]) == ("sold", ["0", None])
    assert [row["SalesOrder"] for row in sale.payload["document"]["Items"]] == [UID, UID]
    [left] = service.take(ended())[KEY].deliveries
    assert left == sale
    assert service.take(recorded_sale(bought(), using()))[KEY] == NOTHING


def test_goods_stay_reserved_while_the_sale_waits() -> None:
    service = consumer(using(hold=3600.0))
    service.state.now = PLACED + timedelta(hours=13)
    service.take(link(311), awaited(created_at=PLACED), recorded_reservation(awaited()))
    paid = bought(paid_at=PLACED + timedelta(hours=13))
    held = service.take(paid)[KEY]
    assert held == Decision(again_at=PLACED + timedelta(hours=14))
    assert len(service.again(KEY, PLACED + timedelta(hours=14)).deliveries) == 2


@pytest.mark.claim("S0.38", "S4.31")
@pytest.mark.parametrize("status", ["cancelled", "failed"])
def test_an_order_given_up_reserves_nothing(status: str) -> None:
    service = consumer(using())
    service.take(link(311), awaited(), recorded_reservation(awaited()))
    assert reservation(service.take(awaited(status=status))[KEY]).ends == "given-up"
    assert service.take(ended("given-up"))[KEY] == NOTHING


def test_an_edited_order_has_its_sales_order_written_again() -> None:
    service = consumer(using())
    service.take(link(311), awaited(), recorded_reservation(awaited()))
    edited = order(line(1, "30.00", quantity="3"), payment_method="bacs", status="on-hold", paid_at=None)
    task = reservation(service.take(edited)[KEY])
    assert (task.ends, task.document["uid"], task.document["Items"][0]["Reserve"]) == (None, UID, "3")


def test_it_waits_for_its_client_as_a_sale_does() -> None:
    service = consumer(using())
    client, waiting = service.take(link(311), awaited(**person()))[KEY].deliveries
    assert (client.kind, waiting.kind, waiting.blocked is None) == ("client", "sales-order", False)
    goes = service.take(client_recorded())[KEY]
    assert goes.deliveries[0].blocked is None


def test_a_dry_run_plans_it_once_and_writes_nothing() -> None:
    service = consumer(using("dry-run"))
    decision = service.take(link(311), awaited())[KEY]
    [plan] = decision.announce
    assert isinstance(plan, SalesOrderPlanned)
    assert (decision.deliveries, plan.total) == ((), Decimal("25.00"))
    assert service.take(plan, awaited())[KEY] == NOTHING


@pytest.mark.claim("S4.31")
def test_a_held_order_is_written_nowhere_until_a_person_pushes_it() -> None:
    held = settings(rules=[{"name": "large", "total_above": "20", "document": "hold"}])
    service = consumer(held)
    assert service.take(link(311), bought())[KEY] == NOTHING
    assert task_of(service.take(push())[KEY]).total == Decimal("25.00")


# -- what is written


def row_of(task: SalesOrderTask) -> Row:
    return Row(f"sales-order:{KEY}", "sales-order", "balance.documents", KEY, KEY, task.model_dump(mode="json"))


async def deliver(books: FakeBooks, task: SalesOrderTask) -> Outcome:
    [outcome] = await deliveries(books, Dialect(), lambda: NOON)["balance.documents"]([row_of(task)])
    return outcome


TASK = sales_order_task(sale_task(awaited(), using()), Dialect())


def end_of(outcome: Outcome) -> SalesOrderTask:
    assert isinstance(outcome, Done)
    [event] = outcome.events
    assert isinstance(event, SalesOrderRecorded)
    return ending_task(event, "sold")


async def test_what_balance_reserves_is_read_back() -> None:
    books = FakeBooks()
    outcome = await deliver(books, TASK)
    assert isinstance(outcome, Done)
    [event] = outcome.events
    assert isinstance(event, SalesOrderRecorded)
    assert [(each.item, each.quantity) for each in event.reserved] == [(item_of(311), Decimal(2))]
    assert (event.number, event.differences) == ("0000001", ())


async def test_a_balance_that_reserves_nothing_is_believed_and_reported() -> None:
    def without(document: Json) -> Json:
        return document | {"Items": [{k: v for k, v in row.items() if k != "Reserve"} for row in document["Items"]]}

    outcome = await deliver(FakeBooks(change=without), TASK)
    assert isinstance(outcome, Done)
    [event] = outcome.events
    assert isinstance(event, SalesOrderRecorded)
    assert (event.reserved, event.differences) == ((), (f"reserve of {item_of(311)}: 0 instead of 2",))


async def test_the_end_is_written_once_and_read_before() -> None:
    books = FakeBooks()
    end = end_of(await deliver(books, TASK))
    assert isinstance(await deliver(books, end), Done)
    assert [row.get("Reserve") for row in books.sales_orders[UID]["Items"]] == ["0", None]
    books.sales_orders.clear()
    written = books.puts("SalesOrders")
    assert isinstance(await deliver(books, end), Done)
    assert books.puts("SalesOrders") == written


async def test_an_end_that_balance_does_not_follow_is_a_dead_letter() -> None:
    def stubborn(document: Json) -> Json:
        return document | {"Items": [row | {"Reserve": "2"} for row in document["Items"]]}

    books = FakeBooks(change=stubborn)
    outcome = await deliver(books, end_of(await deliver(books, TASK)))
    assert isinstance(outcome, Refused)
    assert "still reserves" in outcome.detail


# -- the whole way, on the engine


async def run(bench: Bench, lane: Deliver) -> None:
    while rows := await bench.engine.claim("balance.documents", 10, ()):
        for row in rows:
            [outcome] = await lane([row])
            await bench.settle(row, outcome)


@pytest.mark.claim("S4.31")
async def test_from_reservation_to_sale_each_document_exists_once(tmp_path: Path) -> None:
    books = FakeBooks()
    lane = deliveries(books, Dialect(), lambda: NOON)["balance.documents"]
    async with open_bench(tmp_path, order_handlers.handlers(using())) as bench:
        for fact in (link(311), awaited()):
            await bench.take(record(fact))
        await run(bench, lane)
        await bench.take(record(bought(), version=2))
        await run(bench, lane)
        types = [type(envelope.data) for envelope in await bench.published()]
    assert types == [SalesOrderRecorded, SalesOrderEnded, SaleRecorded]
    assert (len(books.sales), len(books.sales_orders)) == (1, 1)
    assert books.calls.index("PUT Sale") > len(books.calls) - 3
