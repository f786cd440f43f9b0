"""An order whose goods lie in several warehouses: a Sale from each, which add up to the order to the tetri."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from contracts.ledger import SaleRecorded
from contracts.placement import SalePostponed
from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.accounting.documents.ids import part_uid, sale_uid
from services.connectors.balance.refusals import build_refusal
from services.engine.outbox.decision import NOTHING, Decision
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Done, Outcome, Refused
from services.order_exporter.deliveries import deliveries
from services.order_exporter.tasks import SaleTask
from services.settings.balance import Dialect
from tests.order_exporter.export_bench import consumer, task_of
from tests.order_exporter.warehouse_stock import GLDANI, HOUR_LATER, OUT_OF_STOCK, VAKE, stock_of, warehouses_chosen
from tests.support.exporting import KEY, ORDER, PAID, SHOP, item_of, line, link, order, settings
from tests.support.fake_books import FakeBooks, Json
from tests.support.memory_state import Consumer

FIRST = sale_uid(SHOP, ORDER)
SECOND = part_uid(FIRST, VAKE)


def bought(total: str | None = None) -> OrderChanged:
    """Tea lies in Gldani, honey in Vake; a courier, a fee below zero, and a tetri of rounding if wanted."""
    lines = (
        line(1, "20.01", quantity="3"),
        line(2, "7.49", product=312),
        line(3, "5.00", kind="shipping"),
        line(4, "-1.00", kind="fee"),
    )
    return order(*lines, **({"total": Decimal(total)} if total else {}))


def stocked(**orders: Any) -> Consumer:
    service = consumer(settings(**{"warehouses": [GLDANI, VAKE], "warehouse": VAKE, "split": True, **orders}))
    service.take(link(311), link(312), stock_of(311, gldani="3", vake="1"), stock_of(312, gldani="0", vake="2"))
    return service


def held(task: SaleTask) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(part.document, part.warehouse, part.positions) for part in task.parts]


@pytest.mark.claim("S3.37")
def test_each_warehouse_has_a_sale_of_its_own_and_services_are_in_the_first() -> None:
    decision = stocked().take(bought())[KEY]
    task = task_of(decision)
    assert held(task) == [(FIRST, GLDANI, (1, 3, 4)), (SECOND, VAKE, (2,))]
    amounts = [[row["Amount"] for row in part.sent["Items"]] for part in task.parts]
    assert amounts == [["20.01", "5.00", "-1.00"], ["7.49"]]
    assert [part.sent["Warehouse"] for part in task.parts] == [GLDANI, VAKE]
    [choice] = warehouses_chosen(decision)
    assert (choice.warehouse, choice.why) == (GLDANI, "none of orders.warehouses has enough for all lines: split")


@pytest.mark.claim("S3.37")
@pytest.mark.parametrize("total", [None, "31.51", "31.48"])
def test_the_sales_add_up_to_the_order_to_the_tetri_with_rounding_in_the_first(total: str | None) -> None:
    of = bought(total)
    task = task_of(stocked(rounding_item="r").take(of)[KEY])
    assert sum(part.total for part in task.parts) == task.total == of.total
    for part in task.parts:
        assert sum(Decimal(row["Amount"]) for row in part.sent["Items"]) == part.total
    assert task.parts[1].total == Decimal("7.49")


def test_each_sale_carries_its_part_of_the_payment() -> None:
    task = task_of(stocked(payments={"bog": {"type": "Card", "account": "1"}}).take(bought())[KEY])
    assert [part.sent["Payment"][0]["Amount"] for part in task.parts] == ["24.01", "7.49"]


@pytest.mark.parametrize(
    ("orders", "readings", "expected"),
    [
        ({"split": False}, [], VAKE),
        ({}, [stock_of(312, gldani="1")], GLDANI),
        ({}, [stock_of(311, vake="3")], VAKE),
        ({}, [stock_of(311), stock_of(312)], VAKE),
    ],
    ids=["not allowed", "all lies in the first", "all lies in the second", "nothing lies anywhere"],
)
def test_one_sale_is_enough_where_one_warehouse_holds_all_or_none_holds_anything(
    orders: dict[str, Any], readings: list[Any], expected: str
) -> None:
    service = stocked(**orders)
    if readings:
        service.take(*readings)
    task = task_of(service.take(bought())[KEY])
    assert (task.parts, task.document["Warehouse"]) == ((), expected)


def test_the_choice_stays_although_the_stock_moves() -> None:
    service = stocked()
    first = service.take(bought())[KEY]
    service.take(*warehouses_chosen(first))
    service.take(stock_of(311, vake="9"), stock_of(312, vake="9"))
    again = service.take(bought())[KEY]
    assert (task_of(again).parts, warehouses_chosen(again)) == (task_of(first).parts, [])


# -- writing them


async def deliver(decision: Decision, books: FakeBooks) -> Outcome:
    [delivery] = [each for each in decision.deliveries if each.kind == "sale"]
    row = Row(delivery.id, delivery.kind, delivery.lane, delivery.key, KEY, delivery.payload)
    [outcome] = await deliveries(books, Dialect(), lambda: PAID)["balance.documents"]([row])
    return outcome


def recorded(outcome: Outcome) -> SaleRecorded:
    assert isinstance(outcome, Done)
    [event] = outcome.events
    assert isinstance(event, SaleRecorded)
    return event


@pytest.mark.claim("S3.37", "K2")
async def test_all_of_them_exist_once_and_are_one_sale_in_the_ledger() -> None:
    service, books = stocked(), FakeBooks()
    event = recorded(await deliver(service.take(bought())[KEY], books))
    assert list(books.sales) == [FIRST, SECOND]
    assert (event.total, event.sale, event.how, event.differences) == (Decimal("31.50"), FIRST, "written", ())
    numbers = [(part.number, part.total) for part in event.parts]
    assert numbers == [("0000001", Decimal("24.01")), ("0000002", Decimal("7.49"))]
    assert [each.item for each in event.lines][:2] == [item_of(311), item_of(312)]
    assert service.take(event)[KEY] == NOTHING


async def test_a_second_that_is_refused_leaves_the_first_and_the_replay_writes_only_what_is_missing() -> None:
    decision, no = stocked().take(bought())[KEY], build_refusal("PUT Sale: HTTP 400", "no", Dialect(), 400)
    books = FakeBooks(fail_before={5: no})
    outcome = await deliver(decision, books)
    assert isinstance(outcome, Refused)
    assert "(2 of 2)" in outcome.detail
    assert list(books.sales) == [FIRST]
    assert recorded(await deliver(decision, books)).total == Decimal("31.50")
    assert (list(books.sales), books.puts("Sale")) == ([FIRST, SECOND], 3)


async def test_a_first_of_other_content_is_never_taken_for_ours() -> None:
    def cheaper(document: Json) -> Json:
        return document | {"Items": [row | {"Amount": "1.00"} for row in document["Items"]]}

    decision, books = stocked().take(bought())[KEY], FakeBooks()
    await deliver(decision, books)
    books.sales[FIRST] = cheaper(books.sales[FIRST])
    outcome = await deliver(decision, books)
    assert isinstance(outcome, Refused)
    assert outcome.reason == Reason.SALE_NOT_AS_MEANT


async def test_a_warehouse_that_lacks_its_part_is_waited_for() -> None:
    short = build_refusal("PUT Sale: HTTP 400", OUT_OF_STOCK, Dialect(), 400)
    service, books = stocked(short_stock="wait"), FakeBooks(fail_before={5: short})
    decision = service.take(bought())[KEY]
    service.take(*warehouses_chosen(decision))
    outcome = await deliver(decision, books)
    assert isinstance(outcome, Done)
    [postponed] = outcome.events
    assert isinstance(postponed, SalePostponed)
    [waiting] = service.take(postponed)[KEY].deliveries
    assert waiting.blocked is not None
    goes = service.take(stock_of(311, at=HOUR_LATER, gldani="3"), stock_of(312, at=HOUR_LATER, vake="1"))[KEY]
    assert recorded(await deliver(goes, books)).total == Decimal("31.50")
    assert list(books.sales) == [FIRST, SECOND]
