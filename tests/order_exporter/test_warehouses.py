"""The warehouse of an order: by setting, by rule, or the first of several that holds all its lines."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contracts.balance import ItemChanged, StockChanged
from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.engine.outbox.decision import Decision
from services.order_exporter.tasks import SaleTask
from tests.order_exporter.export_bench import consumer, task_of
from tests.order_exporter.warehouse_stock import GLDANI, VAKE, stock_of, warehouses_chosen
from tests.support.exporting import KEY, PAID, PLACED, WAREHOUSE, item_of, line, link, order, recorded_sale, settings
from tests.support.memory_state import Consumer

LISTED = {"warehouses": ["Gldani", "Vake"]}


def two_lines(order_id: int = 1042, **fields: Any) -> OrderChanged:
    return order(line(1, "20.00", quantity="2"), line(2, "5.00", product=312), order_id=order_id, **fields)


def stocked(**orders: Any) -> Consumer:
    """Two products; of the first 5 pieces lie in Gldani and 5 in Vake, of the second all lie in Vake."""
    service = consumer(settings(**(LISTED | orders)))
    service.take(link(311), link(312), stock_of(311, gldani="5", vake="5"), stock_of(312, gldani="0", vake="9"))
    return service


def warehouse(decision: Decision) -> str:
    return str(task_of(decision).document["Warehouse"])


@pytest.mark.claim("S3.37")
def test_the_first_warehouse_with_enough_for_all_lines_is_taken_and_announced() -> None:
    decision = stocked().take(two_lines())[KEY]
    assert warehouse(decision) == VAKE
    [choice] = warehouses_chosen(decision)
    assert (choice.warehouse, choice.why) == (VAKE, "the first of orders.warehouses with enough for all lines")
    assert [(each.item, each.quantity) for each in choice.pieces] == [(item_of(311), 2), (item_of(312), 1)]


@pytest.mark.claim("S3.37")
@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"shipping_method": "local_pickup:5", "warehouse": "Vake"}, VAKE),
        ({"shipping_zone": "Tbilisi", "warehouse": VAKE.upper()}, VAKE),
        ({"pickup_point": "Vake", "warehouse": ["Vake"]}, VAKE),
        ({"shipping_method": "flat_rate", "warehouse": "Vake"}, WAREHOUSE),
    ],
)
def test_a_rule_by_shipping_method_zone_or_pickup_point_names_the_warehouse(
    rule: dict[str, Any], expected: str
) -> None:
    service = stocked(rules=[rule], shipping_zones={"Tbilisi": ["local_pickup:5"]}, warehouses=[])
    way = {"method_id": "local_pickup", "instance_id": "5", "pickup_point": "Vake"}
    of = order(line(1, "20.00"), line(3, "0.00", kind="shipping", **way))
    decision = service.take(of)[KEY]
    assert warehouse(decision) == expected
    assert warehouses_chosen(decision) == []


@pytest.mark.parametrize(
    ("readings", "expected", "why"),
    [
        ([stock_of(311, gldani="5"), stock_of(312, gldani="1")], GLDANI, "enough for all lines"),
        ([stock_of(311, gldani="5", reserve="4"), stock_of(312, gldani="1", vake="1")], WAREHOUSE, "none of"),
        ([stock_of(311, gldani="1", vake="1"), stock_of(312, gldani="1", vake="1")], WAREHOUSE, "none of"),
        ([], WAREHOUSE, "none of"),
    ],
    ids=["all there", "reserved for others", "nowhere enough", "nothing known"],
)
def test_without_a_warehouse_that_holds_all_lines_the_shops_own_is_taken(
    readings: list[StockChanged], expected: str, why: str
) -> None:
    service = consumer(settings(warehouses=[GLDANI, VAKE]))
    decision = service.take(link(311), link(312), *readings, two_lines())[KEY]
    assert (warehouse(decision), why in warehouses_chosen(decision)[0].why) == (expected, True)


def test_services_lie_nowhere() -> None:
    delivery = ItemChanged(item=item_of(312), kind="service", name="assembly", observed_at=PLACED)
    service = consumer(settings(warehouses=[GLDANI, VAKE]))
    assert (
        warehouse(service.take(link(311), link(312), delivery, stock_of(311, gldani="2"), two_lines())[KEY]) == GLDANI
    )


def test_what_was_chosen_stays_until_the_order_is_another_one() -> None:
    service = stocked()
    service.take(*warehouses_chosen(service.take(two_lines())[KEY]))
    service.take(stock_of(312, gldani="9", vake="0"))
    again = service.take(two_lines(status="completed"))[KEY]
    assert (warehouse(again), warehouses_chosen(again)) == (VAKE, [])
    edited = service.take(order(line(1, "10.00"), line(2, "5.00", product=312)))[KEY]
    assert (warehouse(edited), len(warehouses_chosen(edited))) == (GLDANI, 1)


def test_orders_between_two_readings_do_not_take_the_same_pieces() -> None:
    service = stocked()
    first = service.take(order(line(1, "40.00", quantity="4")))[KEY]
    service.take(*warehouses_chosen(first))
    other = order(line(1, "20.00", quantity="2"), order_id=1043, number="1043")
    second = service.take(other)["main:1043"]
    assert [warehouse(first), warehouse(second)] == [GLDANI, VAKE]


@pytest.mark.parametrize("over", ["cancelled", "sold and read again"])
def test_pieces_are_promised_no_more_when_the_order_is_given_up_or_its_sale_is_in_the_figure(over: str) -> None:
    service = stocked()
    first = order(line(1, "40.00", quantity="4"))
    service.take(*warehouses_chosen(service.take(first)[KEY]))
    if over == "cancelled":
        service.take(order(line(1, "40.00", quantity="4"), status="cancelled"))
    else:
        service.take(
            recorded_sale(first, settings()), stock_of(311, at=PAID + timedelta(minutes=1), gldani="2", vake="5")
        )
    second = service.take(order(line(1, "20.00", quantity="2"), order_id=1043, number="1043"))["main:1043"]
    assert warehouse(second) == GLDANI


def test_a_name_that_no_reading_has_shown_is_waited_for() -> None:
    service = consumer(settings(rules=[{"warehouse": "Vake"}]))
    [waiting] = service.take(link(311), order(line(1, "20.00")))[KEY].deliveries
    assert waiting.blocked is not None
    assert (waiting.blocked.on, waiting.blocked.reason) == ("warehouse:Vake", Reason.SALE_WAREHOUSE_UNKNOWN)
    assert "rule 1 names the warehouse 'Vake'" in waiting.blocked.detail
    released = service.take(stock_of(311, vake="1"))[KEY]
    assert SaleTask.model_validate(released.deliveries[0].payload).document["Warehouse"] == VAKE


def test_a_dry_run_plans_a_warehouse_and_promises_nothing() -> None:
    service = consumer(settings("dry-run", warehouses=[GLDANI, VAKE]))
    decision = service.take(link(311), stock_of(311, vake="9"), order(line(1, "20.00")))[KEY]
    assert warehouses_chosen(decision) == []
    [planned] = decision.announce
    assert planned.content()["sent"]["Warehouse"] == VAKE
