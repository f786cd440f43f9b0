"""From an order to its Sale, decision by decision: trigger, links, clients."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from contracts.balance import Accounts, ItemChanged
from contracts.catalog import ProductUnlinked
from contracts.reasons import Reason
from services.engine.outbox.decision import NOTHING, Decision
from tests.order_exporter.export_bench import CLIENT, IDENTITY, bought, client_recorded, consumer, person, task_of
from tests.support.exporting import (
    KEY,
    PAID,
    PERSONAL_ID,
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


def test_a_dry_push_during_the_hold_does_not_make_the_order_forgotten() -> None:
    service = consumer(settings(hold=3600.0))
    service.state.now = PAID
    for events in ([bought()], [push(dry_run=True)], [link(311)], [push(command_id="push-2", dry_run=True)]):
        assert service.take(*events)[KEY].again_at == PAID + timedelta(hours=1)
    assert task_of(service.again(KEY, PAID + timedelta(hours=1))).total == Decimal("20.00")


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
