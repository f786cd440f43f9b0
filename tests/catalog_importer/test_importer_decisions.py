"""What the importer wants, flow by flow, and that it wants nothing once that is on record."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from contracts.balance import ItemWithdrawn
from contracts.catalog import ProductLinked, ProductPlanned, ProductUnlinked, WrittenProduct
from contracts.model import Event
from contracts.reasons import Reason
from services.catalog_importer.handlers import handlers
from services.catalog_importer.product import LINK, ProductPayload
from services.engine.outbox.decision import NOTHING, Decision
from tests.catalog_importer.catalogue_bench import (
    DRY,
    LIVE,
    SALE,
    TEA_CATEGORY,
    TOYS,
    item,
    price,
    priced,
    settings,
    tbilisi,
)
from tests.support.memory_state import NOON, Consumer

SUBJECT = "main:tea-100"
PRICED = priced("tea-100", price("14.75"))


def consumer(flows: dict[str, str] = LIVE, **shop: Any) -> Consumer:
    return Consumer(handlers(settings(flows, **shop)))


def decided(on: Consumer, *events: Event, subject: str = SUBJECT) -> Decision:
    return on.take(*events)[subject]


def wanted(decision: Decision) -> ProductPayload:
    [delivery] = decision.deliveries
    assert delivery.lane == "woocommerce.products.main"
    return ProductPayload.model_validate(delivery.payload)


def skip(decision: Decision) -> ProductPlanned:
    [event] = decision.announce
    assert isinstance(event, ProductPlanned)
    assert event.action == "skip"
    assert not decision.deliveries
    return event


def linked(digest: str = "older", **more: Any) -> ProductLinked:
    known = {"shop": "main", "item": "tea-100", "product_id": 311, "sku": "TEA-100", "how": "adopted"}
    written = {"written": WrittenProduct(digest=digest), "written_at": NOON, "linked_at": NOON}
    return ProductLinked.model_validate(known | written | more)


NAMES = ("name", "category_ids", "regular_price")
CATALOGUE, PRICE, BOTH = (True, True, False), (False, False, True), (True, True, True)


@pytest.mark.parametrize(
    ("catalogue", "prices", "is_linked", "kind", "fields"),
    [
        ("live", "live", False, "product.write", BOTH),
        ("live", "dry-run", False, "product.write", CATALOGUE),
        ("live", "off", False, "product.write", CATALOGUE),
        ("dry-run", "live", False, "product.plan", BOTH),
        ("dry-run", "dry-run", False, "product.plan", BOTH),
        ("dry-run", "off", False, "product.plan", CATALOGUE),
        ("off", "live", False, None, None),
        ("off", "dry-run", False, None, None),
        ("off", "off", False, None, None),
        ("live", "live", True, "product.write", BOTH),
        ("live", "dry-run", True, "product.write", CATALOGUE),
        ("live", "off", True, "product.write", CATALOGUE),
        ("dry-run", "live", True, "product.write", PRICE),
        ("dry-run", "dry-run", True, "product.plan", BOTH),
        ("dry-run", "off", True, "product.plan", CATALOGUE),
        ("off", "live", True, "product.write", PRICE),
        ("off", "dry-run", True, "product.plan", PRICE),
        ("off", "off", True, None, None),
    ],
)
def test_each_flow_sends_its_own_fields(
    catalogue: str, prices: str, is_linked: bool, kind: str | None, fields: tuple[bool, ...] | None
) -> None:
    on = consumer({"catalogue": catalogue, "prices": prices})
    decision = decided(on, item(), PRICED, *([linked()] if is_linked else []))
    if kind is None:
        assert (decision.deliveries, decision.announce) == ((), ())
        return
    desired = wanted(decision).desired
    assert decision.deliveries[0].id == f"{kind}:main:tea-100"
    assert tuple(getattr(desired, name) is not None for name in NAMES) == fields


@pytest.mark.claim("S0.36")
def test_a_shop_that_says_nothing_about_its_flows_is_only_planned() -> None:
    [delivery] = decided(consumer({}), item(), PRICED).deliveries
    assert delivery.kind == "product.plan"


@pytest.mark.claim("S2.2", "S2.1")
def test_what_exists_in_the_shop_is_not_written_again() -> None:
    on = consumer()
    digest = wanted(decided(on, item(), PRICED)).digest
    assert decided(on, linked(digest)) == NOTHING
    repeated = item(observed_at=NOON + timedelta(hours=1), weight=Decimal("0.1"))
    assert decided(on, repeated, priced("tea-100", price("14.750"))) == NOTHING
    assert wanted(decided(on, priced("tea-100", price("15")))).desired.regular_price == 15


def test_events_in_any_order_come_to_the_same() -> None:
    events = [item(), PRICED, linked()]
    decisions = [decided(consumer(), *order) for order in (events, events[::-1], [events[1], events[2], events[0]])]
    assert decisions[0] == decisions[1] == decisions[2]
    assert wanted(decisions[0]).link == linked()


def test_while_prices_are_only_planned_the_catalogue_is_written_first() -> None:
    on = consumer({"catalogue": "live", "prices": "dry-run"})
    first = wanted(decided(on, item(), PRICED))
    then = decided(on, linked(first.digest))
    assert then.deliveries[0].kind == "product.plan"
    assert (wanted(then).desired.regular_price, wanted(then).desired.name) == (Decimal("14.75"), None)


@pytest.mark.claim("S0.41")
def test_a_reason_is_published_once() -> None:
    on = consumer()
    published = skip(decided(on, item(group=TOYS)))
    assert published.reason == Reason.PRODUCT_GROUP_NOT_MAPPED
    assert (published.sku, published.product_id) == ("TEA-100", None)
    on.take(published)
    assert on.again(SUBJECT, NOON) == NOTHING
    assert skip(decided(on, item(kind="service"))).reason == Reason.PRODUCT_NOT_GOODS


def test_a_reason_is_published_again_after_the_item_was_written_meanwhile() -> None:
    on = consumer()
    on.take(skip(decided(on, item(group=TOYS))))
    on.take(linked(written_at=NOON + timedelta(minutes=1)))
    on.state.now = NOON + timedelta(minutes=2)
    assert skip(decided(on, item(group=TOYS))).reason == Reason.PRODUCT_GROUP_NOT_MAPPED


@pytest.mark.claim("S0.41")
@pytest.mark.parametrize("flows", [LIVE, DRY])
def test_an_item_that_is_shut_out_later_is_left_as_it_is(flows: dict[str, str]) -> None:
    on = consumer(flows)
    assert decided(on, item(), PRICED, linked()).deliveries
    published = skip(decided(on, item(group=TOYS)))
    assert published.product_id == 311
    assert on.state.get(LINK, SUBJECT) == linked()


def test_a_withdrawn_item_loses_nothing_in_the_shop() -> None:
    on = consumer()
    on.take(item(), PRICED, linked())
    published = skip(decided(on, ItemWithdrawn(item="tea-100", observed_at=NOON)))
    assert published.reason == Reason.PRODUCT_WITHDRAWN
    assert "product 311 is not changed" in published.detail


def test_after_compaction_a_withdrawal_says_the_same() -> None:
    """The topic of items is compacted: a new state database may never see the item itself."""
    withdrawn = ItemWithdrawn(item="tea-100", observed_at=NOON)
    full, compacted = consumer(), consumer()
    full.take(item())
    assert skip(decided(full, withdrawn)).digest == skip(decided(compacted, withdrawn)).digest


def test_two_items_of_one_sku_are_both_left_alone_until_one_gives_way() -> None:
    on = consumer()
    assert wanted(decided(on, item("a", sku="TEA-1"), subject="main:a"))
    both = on.take(item("b", sku="tea-1"))
    assert {skip(both[f"main:{uid}"]).reason for uid in ("a", "b")} == {Reason.PRODUCT_SKU_USED_TWICE}
    assert "item b" in skip(both["main:a"]).detail
    freed = on.take(item("b", sku="TEA-2"))
    assert {wanted(freed[f"main:{uid}"]).nature.sku for uid in ("a", "b")} == {"TEA-1", "TEA-2"}


def test_a_withdrawn_twin_frees_the_sku() -> None:
    on = consumer()
    on.take(item("a", sku="TEA-1"), item("b", sku="TEA-1"))
    after = on.take(ItemWithdrawn(item="b", observed_at=NOON))
    assert wanted(after["main:a"]).desired.category_ids == (TEA_CATEGORY,)


def test_a_deleted_product_is_placed_again() -> None:
    on = consumer()
    on.take(item(), PRICED, linked())
    gone = ProductUnlinked(shop="main", item="tea-100", product_id=311, reason="gone", unlinked_at=NOON)
    assert wanted(decided(on, gone)).link is None


def test_an_older_products_end_does_not_touch_the_new_link() -> None:
    on = consumer()
    on.take(item(), PRICED, linked(product_id=500))
    gone = ProductUnlinked(shop="main", item="tea-100", product_id=311, reason="gone", unlinked_at=NOON)
    assert on.take(gone) == {}


@pytest.mark.claim("S0.10")
def test_the_product_is_due_again_at_both_edges_of_the_sale() -> None:
    start, end = tbilisi(2026, 3, 6), tbilisi(2026, 3, 9)
    on = consumer()
    offer = priced("tea-100", price("14.75"), price("12", SALE, valid_from=start, valid_to=end))
    before = decided(on, item(), offer)
    assert before.again_at == start
    digests = [wanted(before).digest]
    for moment, next_edge in ((start, end), (end, None)):
        on.take(linked(digests[-1]))
        due = on.again(SUBJECT, moment)
        assert due.again_at == next_edge
        digests.append(wanted(due).digest)
    assert len(set(digests)) == 3
    on.take(linked(digests[-1]))
    assert on.again(SUBJECT, end + timedelta(days=1)) == NOTHING


def test_an_invalid_price_stops_the_write_only_if_prices_are_live() -> None:
    wrong = priced("tea-100", price("-1"))
    assert skip(decided(consumer(), item(), wrong)).reason == Reason.PRODUCT_PRICE_INVALID
    assert skip(decided(consumer(DRY), item(), wrong)).reason == Reason.PRODUCT_PRICE_INVALID
    assert wanted(decided(consumer({"catalogue": "live", "prices": "off"}), item(), wrong))
    assert wanted(decided(consumer({"catalogue": "live", "prices": "dry-run"}), item(), wrong))


def test_who_owns_a_field_is_part_of_what_was_written() -> None:
    digest = wanted(decided(consumer(), item(), PRICED)).digest
    on = consumer(fields={"name": "always"})
    assert wanted(decided(on, item(), PRICED, linked(digest))).digest != digest


@pytest.mark.parametrize("event", [item(kind="folder", sku=None), item("x" * 64, kind="folder")])
def test_folders_produce_no_event(event: Any) -> None:
    assert decided(consumer(), event, subject=f"main:{event.item}") == NOTHING


@pytest.mark.parametrize("subject", ["main:unknown", "closed-shop:tea-100", "main", ""])
def test_subjects_that_nobody_knows_ask_for_nothing(subject: str) -> None:
    on = consumer()
    on.take(item())
    assert on.again(subject, NOON) == NOTHING
