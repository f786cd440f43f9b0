"""What order-exporter decides, event by event: nothing, a plan, deliveries, refusals, divergence."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from contracts.balance import Accounts, ItemChanged
from contracts.catalog import ProductUnlinked
from contracts.ledger import ClientRecorded, SaleDiverged, SalePlanned, SaleRecorded
from contracts.operations import CommandSettled
from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderRemoved
from services.order_exporter.handlers import handlers
from services.order_exporter.tasks import SaleTask
from services.shared.delivery.decision import NOTHING, Decision
from services.shared.documents.uids import client_uid
from services.shared.settings.model import Settings
from tests.support.exporting import (
    KEY,
    ORDER,
    PAID,
    PERSONAL_ID,
    PLACED,
    RETAIL,
    SHOP,
    buyer,
    item_of,
    line,
    link,
    order,
    push,
    recorded_sale,
    settings,
)
from tests.support.memory_state import NOON, Consumer

IDENTITY = client_uid(PERSONAL_ID)
CLIENT = "77777777-0000-4000-8000-000000000001"


def consumer(using: Settings | None = None) -> Consumer:
    return Consumer(handlers(using or settings()))


def bought(**fields: Any) -> OrderChanged:
    return order(line(1, "20.00", quantity="2"), **fields)


def person(**fields: Any) -> dict[str, Any]:
    return {"person": buyer(personal_id=PERSONAL_ID), **fields}


def client_recorded(**fields: Any) -> ClientRecorded:
    given = {"shop": SHOP, "order_id": ORDER, "person_ref": "p-1", "client": CLIENT, "identity": IDENTITY}
    return ClientRecorded.model_validate(given | {"how": "found", "recorded_at": PAID} | fields)


def task_of(decision: Decision) -> SaleTask:
    [delivery] = [each for each in decision.deliveries if each.kind == "sale"]
    assert delivery.blocked is None
    return SaleTask.model_validate(delivery.payload)


# -- from an order to its Sale


@pytest.mark.claim("S0.11")
def test_a_paid_order_whose_products_are_linked_is_delivered_once() -> None:
    service = consumer()
    decision = service.take(link(311), bought())[KEY]
    [delivery] = decision.deliveries
    assert (delivery.id, delivery.lane, delivery.key) == (f"sale:{KEY}", "balance.documents", KEY)
    task = task_of(decision)
    assert (task.total, task.client, task.lines[0].item) == (Decimal("20.00"), RETAIL, item_of(311))
    assert service.take(recorded_sale(bought(), settings()))[KEY] == NOTHING


@pytest.mark.claim("S0.38")
@pytest.mark.parametrize("status", ["cancelled", "failed", "pending", "on-hold"])
def test_an_order_given_up_or_not_paid_makes_nothing(status: str) -> None:
    service = consumer()
    service.take(link(311), bought(status="pending", paid_at=None))
    assert service.take(bought(status=status, paid_at=None))[KEY] == NOTHING


@pytest.mark.claim("S0.38")
def test_a_sale_that_waits_is_taken_back_when_the_order_is_cancelled() -> None:
    service = consumer()
    assert service.take(link(311), bought())[KEY].deliveries
    assert service.take(bought(status="cancelled"))[KEY] == NOTHING


def test_an_order_refunded_before_its_sale_was_made_still_makes_it() -> None:
    service = consumer()
    service.take(link(311), bought())
    assert task_of(service.take(bought(status="refunded", refund_ids=(1051,)))[KEY]).total == Decimal("20.00")


def test_a_flow_that_is_off_does_nothing() -> None:
    assert consumer(settings("off")).take(link(311), bought())[KEY] == NOTHING


def test_an_order_of_a_shop_without_settings_is_nobodys() -> None:
    assert consumer().take(bought(shop="gone"))["gone:1042"] == NOTHING


def test_the_hold_is_waited_out_and_then_the_order_goes_as_it_is_by_then() -> None:
    service = consumer(settings(hold=3600.0))
    service.state.now = PAID
    due = PAID + timedelta(hours=1)
    assert service.take(link(311), bought())[KEY] == Decision(again_at=due)
    service.take(order(line(1, "25.00")))
    assert task_of(service.again(KEY, due)).total == Decimal("25.00")


def test_postings_of_known_items_reach_the_document() -> None:
    item = ItemChanged(
        item=item_of(311), kind="goods", name="tea", accounts=Accounts(revenues="6125"), observed_at=PAID
    )
    service = consumer()
    service.take(item, link(311))
    assert task_of(service.take(bought())[KEY]).document["Items"][0]["IncomeAccount"] == "6125"


# -- links


def test_an_order_waits_for_the_link_of_its_product_and_goes_when_it_appears() -> None:
    service = consumer()
    [waiting] = service.take(bought())[KEY].deliveries
    assert waiting.blocked is not None
    assert (waiting.blocked.on, waiting.blocked.reason) == ("link:main:311", Reason.SALE_ITEM_NOT_LINKED)
    assert "product 311" in waiting.blocked.detail
    assert task_of(service.take(link(311))[KEY]).lines[0].item == item_of(311)


def test_products_are_waited_for_one_by_one() -> None:
    service = consumer()
    both = order(line(1, "5.00"), line(2, "6.00", product=312))
    [first] = service.take(both)[KEY].deliveries
    [second] = service.take(link(311))[KEY].deliveries
    assert [each.blocked.on for each in (first, second) if each.blocked] == ["link:main:311", "link:main:312"]
    assert first.payload != second.payload
    assert len(task_of(service.take(link(312))[KEY]).lines) == 2


def test_an_order_whose_wait_became_a_dead_letter_goes_by_itself_when_the_link_appears() -> None:
    service = consumer()
    service.take(bought())
    service.decisions.clear()  # the row is gone: its deadline has passed
    assert task_of(service.take(link(311))[KEY]).total == Decimal("20.00")


def test_a_variation_has_a_link_of_its_own() -> None:
    service = consumer()
    shirt = order(line(1, "5.00", product=40, variation_id=41))
    [waiting] = service.take(link(40), shirt)[KEY].deliveries
    assert waiting.blocked is not None
    assert waiting.blocked.on == "link:main:41"
    assert task_of(service.take(link(41, parent_id=40))[KEY]).lines[0].item == item_of(41)


def test_a_relinked_item_leaves_its_former_product() -> None:
    service = consumer()
    service.take(link(311), link(312, item=item_of(311)))
    [waiting] = service.take(bought())[KEY].deliveries
    assert waiting.blocked is not None
    assert waiting.blocked.on == "link:main:311"


def test_an_unlinked_product_is_waited_for_again() -> None:
    service = consumer()
    gone = ProductUnlinked(shop=SHOP, item=item_of(311), product_id=311, reason="product.withdrawn", unlinked_at=PAID)
    service.take(link(311), gone)
    assert service.take(bought())[KEY].deliveries[0].blocked is not None


def test_a_line_without_a_product_can_never_be_linked_and_is_refused_at_once() -> None:
    [refusal] = consumer().take(order(line(1, "5.00", product=0, name="old tea")))[KEY].refuse
    assert refusal.reason is Reason.SALE_ITEM_NOT_LINKED
    assert "old tea" in refusal.detail


# -- clients


def test_a_person_with_a_number_is_looked_up_before_the_sale() -> None:
    service = consumer()
    client, sale = service.take(link(311), bought(**person()))[KEY].deliveries
    assert (client.id, client.lane, client.key) == (f"client:{KEY}", "balance.clients", IDENTITY)
    assert (client.payload["create"], client.payload["person"]["ID"]) == (True, PERSONAL_ID)
    assert sale.blocked is not None
    assert (sale.blocked.on, sale.blocked.reason) == (f"client:{IDENTITY}", Reason.SALE_CLIENT_WAITS)
    assert PERSONAL_ID not in f"{client.id} {client.key} {sale}"


def test_a_known_person_is_not_looked_up_again() -> None:
    service = consumer()
    service.take(link(311), bought(**person()))
    assert task_of(service.take(client_recorded())[KEY]).client == CLIENT
    again = service.take(bought(**person(order_id=1043, person_ref="p-2")))["main:1043"]
    assert task_of(again).client == CLIENT


def test_all_orders_of_a_person_are_released_when_the_client_is_known() -> None:
    service = consumer()
    service.take(link(311), bought(**person()), bought(**person(order_id=1043)))
    released = service.take(client_recorded())
    assert {key: task_of(decision).client for key, decision in released.items()} == {KEY: CLIENT, "main:1043": CLIENT}


@pytest.mark.claim("S3.29")
@pytest.mark.parametrize("guest", [None, buyer(), buyer(personal_id="123")])
def test_a_guest_and_a_wrong_number_go_to_the_retail_client(guest: Any) -> None:
    decision = consumer().take(link(311), bought(person=guest))[KEY]
    assert [each.kind for each in decision.deliveries] == ["sale"]
    assert task_of(decision).client == RETAIL


def test_where_clients_may_not_be_created_an_unknown_person_goes_to_the_retail_client_for_this_order_only() -> None:
    service = consumer(settings(create_clients=False))
    client, _ = service.take(link(311), bought(**person()))[KEY].deliveries
    assert (client.payload["create"], client.payload["retail"]) == (False, RETAIL)
    retail = client_recorded(client=RETAIL, retail=True)
    assert task_of(service.take(retail)[KEY]).client == RETAIL
    later = service.take(bought(**person(order_id=1043)))["main:1043"]
    assert [each.kind for each in later.deliveries] == ["client", "sale"]


def test_without_a_retail_client_only_nameless_orders_are_refused() -> None:
    service = consumer(settings(retail_client=None))
    [refusal] = service.take(link(311), bought())[KEY].refuse
    assert refusal.reason is Reason.SALE_SETTING_MISSING
    assert "shops.main.orders.retail-client" in refusal.detail
    assert service.take(bought(**person(order_id=1043)))["main:1043"].deliveries


# -- dry-run


@pytest.mark.claim("S0.34")
def test_dry_run_announces_the_whole_payload_once_and_delivers_nothing() -> None:
    service = consumer(settings("dry-run"))
    decision = service.take(link(311), bought(**person()))[KEY]
    [plan] = decision.announce
    assert isinstance(plan, SalePlanned)
    assert decision.deliveries == ()
    assert (plan.total, plan.client, plan.sent["Items"][0]["Amount"]) == (Decimal("20.00"), IDENTITY, "20.00")
    service.take(plan)
    assert service.take(bought(**person(status="completed")))[KEY] == NOTHING
    [changed] = service.take(order(line(1, "21.00"), **person()))[KEY].announce
    assert isinstance(changed, SalePlanned)
    assert changed.total == Decimal("21.00")


def test_dry_run_tells_what_cannot_be_planned() -> None:
    service = consumer(settings("dry-run"))
    [waiting] = service.take(bought())[KEY].deliveries
    assert waiting.blocked is not None
    [plan] = service.take(link(311))[KEY].announce
    assert isinstance(plan, SalePlanned)
    [refusal] = service.take(order(line(1, "-5.00", kind="fee"), order_id=1043))["main:1043"].refuse
    assert refusal.reason is Reason.SALE_TOTAL_NEGATIVE


# -- after the Sale


@pytest.mark.claim("S3.32")
def test_an_edit_after_the_sale_is_reported_once_and_never_written() -> None:
    service = consumer()
    service.take(link(311), bought(), recorded_sale(bought(), settings()))
    edited = order(line(1, "30.00", quantity="3"))
    decision = service.take(edited)[KEY]
    [said] = decision.announce
    assert isinstance(said, SaleDiverged)
    assert (said.recorded_total, said.order_total, decision.deliveries) == (Decimal("20.00"), Decimal("30.00"), ())
    service.take(said)
    assert service.take(edited.model_copy(update={"status": "completed"}))[KEY] == NOTHING
    [again] = service.take(order(line(1, "31.00", quantity="3")))[KEY].announce
    assert isinstance(again, SaleDiverged)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"lines": (line(1, "20.00", quantity="4"),)}, "lines"),
        ({"currency": "USD"}, "USD"),
        ({"status": "cancelled"}, "cancelled"),
    ],
)
def test_what_matters_to_the_books_diverges(change: dict[str, Any], word: str) -> None:
    service = consumer()
    service.take(link(311), bought(), recorded_sale(bought(), settings()))
    [said] = service.take(bought().model_copy(update=change))[KEY].announce
    assert isinstance(said, SaleDiverged)
    assert word in said.detail


@pytest.mark.parametrize(
    "change",
    [
        {"status": "completed", "completed_at": PAID},
        {"person": buyer(phone="+995599000009")},
        {"status": "refunded", "refund_ids": (1051,)},
        {"status": "cancelled", "refund_ids": (1051,)},
        {"total": Decimal("20.0")},
    ],
)
def test_what_does_not_matter_to_the_books_is_no_divergence(change: dict[str, Any]) -> None:
    service = consumer()
    service.take(link(311), bought(), recorded_sale(bought(), settings()))
    assert service.take(bought().model_copy(update=change))[KEY] == NOTHING


def test_an_order_removed_after_its_sale_is_reported_and_before_it_forgotten() -> None:
    removed = OrderRemoved(shop=SHOP, order_id=ORDER, observed_at=PAID)
    service = consumer()
    service.take(link(311), bought())
    assert service.take(removed)[KEY] == NOTHING
    service.take(bought(), recorded_sale(bought(), settings()))
    [said] = service.take(removed)[KEY].announce
    assert isinstance(said, SaleDiverged)
    assert "removed from the shop" in said.detail


# -- refusals


def test_a_refused_order_is_named_and_goes_when_it_is_corrected() -> None:
    service = consumer()
    [refusal] = service.take(link(311), bought(total=Decimal("25.00")))[KEY].refuse
    assert (refusal.delivery.id, refusal.reason) == (f"sale:{KEY}", Reason.SALE_TOTAL_DIFFERS)
    assert task_of(service.take(bought())[KEY]).total == Decimal("20.00")


@pytest.mark.claim("K14")
def test_a_paid_order_in_a_status_that_nobody_names_is_held_and_reported() -> None:
    service = consumer()
    [refusal] = service.take(link(311), bought(status="packed"))[KEY].refuse
    assert refusal.reason is Reason.SALE_STATUS_UNKNOWN
    assert "shops.main.orders.trigger" in refusal.detail
    assert service.take(bought())[KEY].refuse == ()


# -- pushes


@pytest.mark.claim("S3.33")
def test_pushing_an_order_again_after_its_sale_changes_nothing() -> None:
    service = consumer()
    service.take(link(311), bought(), recorded_sale(bought(), settings()))
    decision = service.take(push())[KEY]
    assert decision.deliveries == ()
    assert [type(event) for event in decision.announce] == [CommandSettled]


def test_a_push_goes_before_trigger_and_hold_and_is_answered_once() -> None:
    service = consumer(settings(hold=10**6))
    service.take(link(311), bought(status="on-hold", paid_at=None))
    decision = service.take(push())[KEY]
    assert task_of(decision).total == Decimal("20.00")
    [answer] = decision.announce
    assert isinstance(answer, CommandSettled)
    assert (answer.outcome, answer.service) == ("done", "order-exporter")
    service.take(answer)
    again = service.take(bought(status="on-hold", paid_at=None))[KEY]
    assert task_of(again).total == Decimal("20.00")
    assert again.announce == ()


def test_a_dry_push_only_plans() -> None:
    service = consumer()
    service.take(link(311), bought(status="on-hold", paid_at=None))
    decision = service.take(push(dry_run=True))[KEY]
    assert [type(event) for event in decision.announce] == [SalePlanned, CommandSettled]
    assert decision.deliveries == ()


@pytest.mark.parametrize(
    ("flow", "events", "outcome", "word"),
    [
        ("live", (), "refused", "number right"),
        ("off", (bought(),), "refused", '"off"'),
        ("dry-run", (link(311), bought()), "done", "planned"),
        ("live", (link(311), bought(status="cancelled")), "refused", "cancelled"),
        ("live", (bought(),), "done", "waits"),
        ("live", (link(311), bought(total=Decimal(-1), status="on-hold")), "refused", "total -1"),
    ],
)
def test_a_push_is_told_what_becomes_of_it(flow: str, events: Any, outcome: str, word: str) -> None:
    service = consumer(settings(flow))
    service.take(*events)
    answers = [event for event in service.take(push())[KEY].announce if isinstance(event, CommandSettled)]
    assert [(each.outcome, word in each.detail) for each in answers] == [(outcome, True)]


# -- any order of events, any repetition


@pytest.mark.claim("K2")
@pytest.mark.parametrize("seed", range(20))
def test_events_in_any_order_and_repeated_come_to_the_same_sale(seed: int) -> None:
    events = [link(311), bought(**person()), client_recorded()]
    shuffled = random.Random(seed).choices(events, k=20) + random.Random(seed).sample(events, k=3)
    service = consumer()
    for event in shuffled:
        service.take(event)
    task = task_of(service.again(KEY, NOON))
    assert (task.sale, task.client, task.total) == (recorded_sale(bought(), settings()).sale, CLIENT, Decimal("20.00"))
    recorded = SaleRecorded.model_validate(recorded_sale(bought(), settings()).model_dump())
    for event in [recorded, *shuffled]:
        service.take(event)
    assert service.again(KEY, PLACED) == NOTHING
