"""When a figure is written, when it is only announced, and what reserves stock in the meantime."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from contracts.balance import StockRow
from contracts.catalog import AvailabilityChanged, ProductUnlinked
from contracts.model import Event
from contracts.reasons import Reason
from services.engine.outbox.decision import NOTHING
from services.stock_publisher.handlers import handlers
from tests.stock_publisher.stock_bench import (
    ITEM,
    MAIN,
    PRODUCT,
    SUBJECT,
    VAKE,
    after,
    figure,
    given,
    line,
    link,
    order,
    publish,
    publisher,
    row,
    settings,
    stock,
    written,
)
from tests.support.memory_state import NOON, Consumer


def test_a_linked_item_with_a_stock_reading_has_a_figure() -> None:
    on = publisher()
    assert on.take(link())[SUBJECT] == NOTHING
    write = written(on.take(stock(row("10")))[SUBJECT])
    assert (write.quantity, write.product_id, write.stock_seen_at) == (10, PRODUCT, NOON)


def test_only_a_difference_is_written() -> None:
    on = given()
    assert publish(on) is not None
    assert on.again(SUBJECT, after(minutes=1)) == NOTHING
    assert on.take(stock(row("10", warehouse=VAKE), row("10"), at=after(minutes=2)))[SUBJECT] == NOTHING
    assert written(on.take(stock(row("9"), at=after(minutes=3)))[SUBJECT]).quantity == 9


@pytest.mark.parametrize(
    "events",
    list(permutations([link(), stock(row("10")), order(5001, "4", lines=(line(PRODUCT, "4", sku="TEA-100"),))])),
)
def test_the_order_of_events_in_a_rebuilt_database_does_not_change_the_figure(events: tuple[Event, ...]) -> None:
    on = publisher()
    for event in events:
        decided = on.take(event)
    write = written(decided[SUBJECT] if SUBJECT in decided else on.again(SUBJECT, NOON))
    assert (write.quantity, write.shop_moves) == (6, 1)


@pytest.mark.claim("S1.4")
@pytest.mark.parametrize("rules", [{"flow": "off"}, {"policy": None, "warehouses": []}])
def test_nothing_is_published_where_nobody_has_decided_how(rules: dict[str, Any]) -> None:
    assert given(**rules).again(SUBJECT, NOON) == NOTHING


@pytest.mark.claim("S0.36")
def test_a_shop_without_configured_flows_is_only_planned() -> None:
    on = Consumer(handlers(settings(flow=None)))
    decision = on.take(link(), stock(row("10")))[SUBJECT]
    assert (len(decision.announce), decision.deliveries) == (1, ())


def test_in_dry_run_a_figure_is_published_when_it_changes_and_never_written() -> None:
    on = given(flow="dry-run")
    first = on.again(SUBJECT, NOON)
    assert first.deliveries == ()
    [published] = first.announce
    assert isinstance(published, AvailabilityChanged)
    assert published.mode == "dry-run"
    assert published.quantity == 10
    on.take(published)
    assert on.again(SUBJECT, NOON) == NOTHING
    [changed] = on.take(order(1, "3"))[SUBJECT].announce
    assert isinstance(changed, AvailabilityChanged)
    assert changed.quantity == 7


def test_what_was_only_published_in_dry_run_is_written_once_the_flow_is_live() -> None:
    on = given()
    on.take(written(on.again(SUBJECT, NOON)).published("dry-run", NOON))
    assert figure(on) == 10


def test_after_an_unlink_nothing_is_written_and_a_new_product_gets_its_own_figure() -> None:
    on = given()
    publish(on)
    gone = ProductUnlinked(shop="main", item=ITEM, product_id=PRODUCT, reason="gone", unlinked_at=NOON)
    assert on.take(gone)[SUBJECT] == NOTHING
    assert written(on.take(link(product_id=400))[SUBJECT]).product_id == 400


def test_a_rebuilt_database_comes_to_the_same_and_writes_nothing() -> None:
    events = [link(), stock(row("10")), order(1, "4"), order(2, "1"), order(2, "1", "cancelled"), order(3, "2")]
    on = publisher()
    on.take(*events)
    published = publish(on)
    assert published is not None
    rebuilt = publisher()
    assert rebuilt.take(published, *events[::-1][:1], *events[2:5], *events[:2])[SUBJECT].deliveries == ()


@pytest.mark.claim("S0.7", "S0.8")
def test_warehouses_go_by_name_or_uid() -> None:
    stated = stock(row("10"), row("5", warehouse=VAKE))
    for entries, quantity in ((["Main"], 10), ([VAKE.upper()], 5), (["Vake", MAIN], 15), (["Main", MAIN], 10)):
        on = publisher(policy="aggregate", warehouses=entries)
        assert written(on.take(link(), stated)[SUBJECT]).quantity == quantity


UNSEEN = "00000000-0000-4000-8000-000000000009"


def test_an_empty_warehouse_named_by_its_uid_counts_as_empty() -> None:
    on = publisher(policy="aggregate", warehouses=["Main", UNSEEN])
    assert written(on.take(link(), stock(row("10")))[SUBJECT]).quantity == 10


@pytest.mark.parametrize("flow", ["live", "dry-run"])
def test_a_warehouse_that_no_reading_names_waits_until_one_does(flow: str) -> None:
    on = publisher(flow, policy="aggregate", warehouses=["Main", "Vake"])
    decision = on.take(link(), stock(row("10")))[SUBJECT]
    [delivery] = decision.deliveries
    assert (delivery.blocked and delivery.blocked.on, decision.announce) == ("warehouse:Vake", ())
    assert delivery.blocked
    assert delivery.blocked.reason == Reason.STOCK_WAREHOUSE_UNKNOWN
    assert "'Vake'" in delivery.blocked.detail
    released = on.take(stock(row("5", warehouse=VAKE), item="other"))[SUBJECT]
    figures = [event.quantity for event in released.announce if isinstance(event, AvailabilityChanged)]
    assert sum(figures) + sum(written(released).quantity for _ in released.deliveries) == 10


def test_two_warehouses_of_one_name_are_nobodys_guess() -> None:
    on = publisher()
    twin = row("5", warehouse=VAKE, warehouse_name="Main")
    [delivery] = on.take(link(), stock(row("10"), twin))[SUBJECT].deliveries
    assert delivery.blocked
    assert f"{MAIN}, {VAKE}; write the uid" in delivery.blocked.detail


ODD_ROWS: list[tuple[StockRow, ...]] = [
    (),
    (row("-7"),),
    (row("0"),),
    (row("0.001"),),
    (row("10", "20"),),
    (row("10000000"),),
    (row("5", warehouse_name=None), row("5")),
]


@pytest.mark.claim("K13")
@pytest.mark.parametrize("flow", ["live", "dry-run"])
@pytest.mark.parametrize("quantity", ["10000001", "486001234567"])
def test_more_than_any_warehouse_holds_is_shown_and_not_published(quantity: str, flow: str) -> None:
    on = publisher(flow)
    decision = on.take(link(), stock(row(quantity)))[SUBJECT]
    assert (decision.deliveries, decision.announce) == ((), ())
    [refusal] = decision.refuse
    assert refusal.reason == Reason.STOCK_FIGURE_ABSURD
    assert f"TEA-100 (item {ITEM}): {quantity} pieces" in refusal.detail
    # a correction resolves it
    [corrected] = on.take(stock(row("7"))).values()
    assert corrected.refuse == ()


@pytest.mark.parametrize("rows", ODD_ROWS)
def test_odd_stock_is_never_an_odd_figure(rows: tuple[StockRow, ...]) -> None:
    on = publisher(warehouses=[MAIN])
    write = written(on.take(link(), stock(*rows))[SUBJECT])
    assert write.quantity == sum(one.quantity for one in write.explanation)
    assert write.quantity >= 0


@pytest.mark.parametrize("subject", ["main:unknown", f"closed:{ITEM}", "main", ""])
def test_subjects_that_nobody_knows_ask_for_nothing(subject: str) -> None:
    assert given().again(subject, NOON + timedelta(days=1)) == NOTHING


@pytest.mark.claim("S3.24")
def test_a_difference_of_one_counts() -> None:
    on = given()
    publish(on)
    on.take(stock(row("11"), at=after(minutes=1)))
    assert figure(on) == 11


def test_a_fraction_is_cut_off_and_published() -> None:
    on = publisher()
    write = written(on.take(link(), stock(row("2.6")))[SUBJECT])
    assert write.quantity == 2
    assert (write.explanation[-1].label, write.explanation[-1].quantity) == ("rounding", Decimal("-0.6"))
