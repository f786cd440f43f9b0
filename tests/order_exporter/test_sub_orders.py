"""A purchase that the shop splits is booked once: in the parent's Sale, or each part on its own."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderRemoved
from services.engine.outbox.decision import NOTHING, Decision
from services.order_exporter.handlers import handlers
from services.settings.model import Settings
from tests.order_exporter.export_bench import task_of
from tests.support.exporting import PAID, SHOP, line, link, order, push, recorded_sale, settings
from tests.support.memory_state import Consumer

PARENT, FIRST, SECOND = 5001, 5002, 5003
PART = {"dokan": "part-of-parent"}
RECEIPTS = {"since": "2026-01-01", "methods": {"bog": {"account": "1210"}}}


def parent(**fields: Any) -> OrderChanged:
    lines = (line(11, "100.00", quantity="2"), line(12, "30.00", product=312))
    return order(*lines, **{"order_id": PARENT, "number": str(PARENT), "created_via": "checkout"} | fields)


def part(order_id: int = FIRST, **fields: Any) -> OrderChanged:
    sold = line(21, "100.00", quantity="2") if order_id == FIRST else line(31, "30.00", product=312)
    given = {"order_id": order_id, "number": str(order_id), "parent_id": PARENT, "created_via": "dokan"}
    return order(sold, **given | fields)


def key(order_id: int) -> str:
    return f"{SHOP}:{order_id}"


def consumer(using: Settings | None = None, **orders: Any) -> Consumer:
    service = Consumer(handlers(using or settings(**orders)))
    service.take(link(311), link(312))
    return service


def totals(decisions: dict[str, Decision]) -> list[str]:
    sales = [delivery for decision in decisions.values() for delivery in decision.deliveries if delivery.kind == "sale"]
    return sorted(sale.payload["total"] for sale in sales if sale.blocked is None)


@pytest.mark.claim("K26")
@pytest.mark.parametrize("via", ["dokan", "wcfm", "rest-api", ""])
def test_until_a_setting_says_what_they_are_only_the_parent_is_booked_and_the_parts_wait_by_name(via: str) -> None:
    service = consumer()
    service.take(parent(), part(FIRST, created_via=via), part(SECOND, created_via=via))
    assert totals(service.decisions) == ["130.00"]
    for order_id in (FIRST, SECOND):
        [refusal] = service.decisions[key(order_id)].refuse
        assert refusal.reason == Reason.SALE_SUB_ORDER
        assert f"order {order_id} of shop main belongs to order {PARENT}" in refusal.detail
        assert "shops.main.orders.sub-orders" in refusal.detail


@pytest.mark.claim("K26")
@pytest.mark.parametrize("first", ["parent", "parts"])
def test_parts_of_a_parent_make_no_document_whichever_is_read_first(first: str) -> None:
    service, parts = consumer(sub_orders=PART), (part(FIRST), part(SECOND))
    for event in (parent(), *parts) if first == "parent" else (*parts, parent()):
        service.take(event)
    assert totals(service.decisions) == ["130.00"]
    assert [service.decisions[key(order_id)] for order_id in (FIRST, SECOND)] == [NOTHING, NOTHING]


@pytest.mark.claim("K26")
def test_orders_of_their_own_are_booked_beside_their_parent() -> None:
    service = consumer(sub_orders={"wc_deposits": "own-order"})
    service.take(parent(), part(SECOND, created_via="wc_deposits"))
    assert totals(service.decisions) == ["130.00", "30.00"]


@pytest.mark.claim("K26")
def test_a_part_waits_by_name_for_a_parent_that_was_never_read() -> None:
    service = consumer(sub_orders=PART)
    [waiting] = service.take(part())[key(FIRST)].deliveries
    assert waiting.blocked is not None
    assert (waiting.blocked.reason, waiting.blocked.on) == (Reason.SALE_PARENT_MISSING, f"order:{key(PARENT)}")
    assert f"order {PARENT}, which was never read" in waiting.blocked.detail
    assert service.take(parent())[key(FIRST)] == NOTHING


@pytest.mark.claim("K26")
@pytest.mark.parametrize(
    ("gone", "message"),
    [
        (parent(status="cancelled"), "is cancelled"),
        (OrderRemoved(shop=SHOP, order_id=PARENT, observed_at=PAID), "was removed"),
        (parent(lines=(line(12, "30.00", product=312),)), "does not contain its goods and money"),
        (parent(total="0.00"), "does not contain its goods and money"),
    ],
    ids=["cancelled", "removed", "other goods", "an empty container"],
)
def test_a_part_that_its_parents_sale_cannot_contain_needs_a_person(gone: Any, message: str) -> None:
    service = consumer(sub_orders=PART)
    service.take(parent(), part())
    [refusal] = service.take(gone)[key(FIRST)].refuse
    assert refusal.reason == Reason.SALE_PART_NOT_HELD
    assert message in refusal.detail
    assert service.take(parent())[key(FIRST)] == NOTHING


@pytest.mark.claim("K26")
@pytest.mark.parametrize("rules_of_parts", [{}, PART])
def test_a_person_can_have_one_of_them_booked_on_its_own(rules_of_parts: dict[str, str]) -> None:
    service = consumer(sub_orders=rules_of_parts)
    service.take(parent(), part())
    assert task_of(service.take(push(order_id=FIRST))[key(FIRST)]).order_id == FIRST


@pytest.mark.claim("K26")
@pytest.mark.parametrize("rules_of_parts", [{}, PART])
@pytest.mark.parametrize("status", ["pending", "on-hold", "cancelled", "failed"])
def test_one_that_is_not_due_waits_for_nothing_and_nobody(rules_of_parts: dict[str, str], status: str) -> None:
    service = consumer(sub_orders=rules_of_parts)
    service.take(parent())
    assert service.take(part(status=status, paid_at=None))[key(FIRST)] == NOTHING


@pytest.mark.claim("K26")
@pytest.mark.parametrize("rules_of_parts", [{}, PART])
def test_a_rule_for_sales_orders_reserves_no_part_a_second_time(rules_of_parts: dict[str, str]) -> None:
    rules = ({"status": "on-hold", "document": "sales-order"},)
    service = consumer(sub_orders=rules_of_parts, rules=rules)
    waiting = {"status": "on-hold", "paid_at": None}
    service.take(parent(**waiting), part(**waiting))
    kinds = [delivery.kind for decision in service.decisions.values() for delivery in decision.deliveries]
    assert kinds == ["sales-order"]


@pytest.mark.claim("K26")
@pytest.mark.parametrize(("rules_of_parts", "receipts"), [({}, 1), (PART, 1), ({"dokan": "own-order"}, 2)])
def test_the_money_of_a_purchase_is_received_once(rules_of_parts: dict[str, str], receipts: int) -> None:
    using = settings(sub_orders=rules_of_parts, receipts=RECEIPTS)
    service = consumer(using)
    decisions = service.take(parent(), part(), recorded_sale(parent(), using))
    made = [each for decision in decisions.values() for each in decision.deliveries if each.kind == "receipt"]
    assert len(made) == receipts


@pytest.mark.claim("K26")
def test_a_part_that_was_booked_before_the_setting_keeps_its_sale() -> None:
    using = settings(sub_orders=PART)
    service = consumer(using)
    assert service.take(parent(), part(), recorded_sale(part(), using))[key(FIRST)] == NOTHING
