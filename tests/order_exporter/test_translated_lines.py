"""An order line of a translation is booked as the item of the original."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.catalog import FurtherProduct, ProductUnlinked
from contracts.ledger import SaleRecorded
from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.console.model.event_text import describe_event
from services.engine.outbox.decision import Delivery
from services.order_exporter.announcements import sale_content
from services.order_exporter.handlers import handlers
from tests.order_exporter.export_bench import task_of
from tests.support.exporting import KEY, PAID, SHOP, item_of, line, link, order, recorded_sale, settings
from tests.support.memory_state import Consumer

ORIGINAL, TRANSLATION, VARIATION = 311, 612, 613


def bought(**fields: Any) -> OrderChanged:
    given = {"product": TRANSLATION, "sku": "CUP", "quantity": "2", "name": "Cup (EN)"}
    return order(line(11, "100.00", **given | fields))


def consumer(flow: str = "live") -> Consumer:
    return Consumer(handlers(settings(flow)))


def waiting(service: Consumer) -> Delivery:
    [delivery] = service.decisions[KEY].deliveries
    assert delivery.blocked is not None
    return delivery


@pytest.mark.parametrize(
    "fields",
    [{}, {"sku": " cup "}, {"variation_id": VARIATION}, {"product": 0}],
    ids=["translation", "letter case", "translated variation", "product deleted, SKU left"],
)
def test_an_unlinked_line_whose_sku_belongs_to_one_item_is_booked_as_that_item(fields: dict[str, Any]) -> None:
    task = task_of(consumer().take(link(ORIGINAL, sku="CUP"), bought(**fields))[KEY])
    assert [sold.item for sold in task.lines] == [item_of(ORIGINAL)]
    [message] = task.resolved
    assert "line 11" in message
    assert f"belongs to item {item_of(ORIGINAL)}" in message
    assert task.notes == ()


def test_the_timeline_of_the_order_shows_it_in_a_dry_run_and_in_the_books() -> None:
    [plan] = consumer("dry-run").take(link(ORIGINAL, sku="CUP"), bought())[KEY].announce
    task = task_of(consumer().take(link(ORIGINAL, sku="CUP"), bought())[KEY])
    sale = SaleRecorded(**sale_content(task), how="written", number="1", recorded_at=PAID)
    for event in (plan, sale):
        assert f"product 612 is not linked; its SKU CUP belongs to item {item_of(ORIGINAL)}" in str(
            describe_event(event)
        )
    assert "as intended" in str(describe_event(sale))


def test_a_linked_product_is_its_own_item_and_its_sku_says_nothing() -> None:
    task = task_of(consumer().take(link(ORIGINAL, sku="CUP"), link(TRANSLATION, sku="CUP"), bought())[KEY])
    assert [sold.item for sold in task.lines] == [item_of(TRANSLATION)]
    assert task.resolved == ()


def test_a_further_product_of_a_link_is_its_item_without_a_word() -> None:
    further = (FurtherProduct(product_id=TRANSLATION, sku="CUP-EN"),)
    task = task_of(consumer().take(link(ORIGINAL, sku="CUP", further=further), bought(sku=""))[KEY])
    assert [sold.item for sold in task.lines] == [item_of(ORIGINAL)]
    assert task.resolved == ()


def test_an_order_that_waits_goes_as_soon_as_an_item_has_its_sku() -> None:
    service = consumer()
    service.take(bought())
    assert waiting(service).blocked.reason == Reason.SALE_ITEM_NOT_LINKED  # type: ignore[union-attr]
    assert task_of(service.take(link(ORIGINAL, sku="CUP"))[KEY]).lines[0].item == item_of(ORIGINAL)


def test_a_sku_of_two_items_is_refused_by_name_until_one_of_them_has_another() -> None:
    service = consumer()
    service.take(link(ORIGINAL, sku="CUP"), link(312, sku="CUP"), bought())
    blocked = waiting(service).blocked
    assert blocked is not None
    assert blocked.reason == Reason.SALE_SKU_AMBIGUOUS
    assert item_of(ORIGINAL) in blocked.detail
    assert item_of(312) in blocked.detail
    assert "another SKU" in blocked.detail
    assert task_of(service.take(link(312, sku="CUP-2"))[KEY]).lines[0].item == item_of(ORIGINAL)


def test_a_sku_whose_item_is_linked_no_more_means_nothing() -> None:
    service = consumer()
    gone = ProductUnlinked(shop=SHOP, item=item_of(ORIGINAL), product_id=ORIGINAL, reason="x", unlinked_at=PAID)
    service.take(link(ORIGINAL, sku="CUP"), bought())
    service.take(gone)
    blocked = waiting(service).blocked
    assert blocked is not None
    assert blocked.reason == Reason.SALE_ITEM_NOT_LINKED


@pytest.mark.parametrize("sku", ["", "MUG"])
def test_a_line_of_another_sku_or_none_waits_for_its_link(sku: str) -> None:
    service = consumer()
    service.take(link(ORIGINAL, sku="CUP"), bought(sku=sku))
    blocked = waiting(service).blocked
    assert blocked is not None
    assert (blocked.reason, blocked.on) == (Reason.SALE_ITEM_NOT_LINKED, f"link:{SHOP}:{TRANSLATION}")


def test_an_order_that_has_its_sale_is_not_looked_at_again_when_skus_move() -> None:
    service = consumer()
    service.take(link(ORIGINAL, sku="CUP"), bought(), recorded_sale(bought(), settings()))
    assert KEY not in service.take(link(ORIGINAL, sku="CUP-2"))
