"""Which order and shop a dead letter is about, for every form that its key and subject can take."""

from __future__ import annotations

import pytest

from contracts.operations import DeadLettered
from services.cli.orders.timeline import build_timeline
from services.engine.outbox.dead_letters import order_key_of, order_of, shop_of
from tests.cli.day_events import DAY, close_of, envelopes, settled_dead_letter
from tests.outbox.dead_letter_samples import dead_letter_of_delivery, dead_letter_of_record

ITEM = "5d2c6fae-0000-4000-8000-000000000311"


FORMS = {
    "a Sale": (dead_letter_of_delivery("order-exporter", "main:1042"), "main", 1042),
    "a client, whose key is its identity": (
        dead_letter_of_delivery("order-exporter", "main:1042", key="i-9"),
        "main",
        1042,
    ),
    "contacts, whose key is a client of Balance": (
        dead_letter_of_delivery("order-exporter", "main:1042", key=ITEM),
        "main",
        1042,
    ),
    "a decision about an order": (
        dead_letter_of_delivery("refund-exporter", "main:1042", delivery="decide:main:1042"),
        "main",
        1042,
    ),
    "an order that cannot be read": (dead_letter_of_delivery("store-feed", "main:1042"), "main", 1042),
    "a note in the shop": (dead_letter_of_delivery("order-notifier", "main:1042"), "main", 1042),
    "a product": (dead_letter_of_delivery("catalog-importer", f"main:{ITEM}"), "main", None),
    "a product whose item has a number for a uid": (
        dead_letter_of_delivery("catalog-importer", "main:311"),
        "main",
        None,
    ),
    "a stock figure": (dead_letter_of_delivery("stock-publisher", "main:311"), "main", None),
    "a customer's account": (dead_letter_of_delivery("store-feed", "customer main:17"), "main", None),
    "a shop that was accepted": (dead_letter_of_delivery("store-feed", "accept main", key="main"), "main", None),
    "a fault of webhooks": (dead_letter_of_delivery("store-feed", "webhooks of main"), "main", None),
    "a fault of a Balance import": (dead_letter_of_delivery("balance-feed", "stock:import"), None, None),
    "an item of Balance": (dead_letter_of_delivery("balance-feed", ITEM), None, None),
    "an item of Balance with a number for a uid": (dead_letter_of_delivery("balance-feed", "prices:17"), None, None),
    "a record of an order": (dead_letter_of_record("stock-publisher", "shop.orders", "main:1042"), "main", 1042),
    "a record of a document": (dead_letter_of_record("refund-exporter", "ledger.documents", "main:1042"), "main", 1042),
    "a record of a product's link": (
        dead_letter_of_record("order-exporter", "catalog.links", "main:311"),
        "main",
        None,
    ),
    "a record of an account": (dead_letter_of_record("store-feed", "shop.customers", "main:17"), "main", None),
    "a record of Balance": (dead_letter_of_record("order-exporter", "balance.stock", ITEM), None, None),
    "a command": (dead_letter_of_record("order-exporter", "operations", "7f3c"), None, None),
    "a record without a key": (dead_letter_of_record("order-exporter", "shop.orders", ""), None, None),
    "an order that is no number": (dead_letter_of_delivery("order-exporter", "main:١٠٤٢"), "main", None),
}


@pytest.mark.parametrize(("dead_letter", "shop", "order"), FORMS.values(), ids=list(FORMS))
def test_a_dead_letter_names_its_shop_and_its_order(
    dead_letter: DeadLettered, shop: str | None, order: int | None
) -> None:
    assert (shop_of(dead_letter), order_of(dead_letter)) == (shop, order)
    assert order_key_of(dead_letter) == (f"{shop}:{order}" if order else None)


@pytest.mark.claim("I2")
@pytest.mark.parametrize("dead_letter", [form[0] for form in FORMS.values()], ids=list(FORMS))
def test_the_day_closes_whatever_a_dead_letter_is_about(dead_letter: DeadLettered) -> None:
    assert close_of(dead_letter, settled_dead_letter(dead_letter), date=DAY).differences == ()


@pytest.mark.parametrize(("dead_letter", "shop", "order"), FORMS.values(), ids=list(FORMS))
def test_the_timeline_of_an_order_contains_only_its_own_dead_letters(
    dead_letter: DeadLettered, shop: str | None, order: int | None
) -> None:
    story = build_timeline("main:1042", envelopes(dead_letter, settled_dead_letter(dead_letter)))
    assert (len(story.entries) if story else 0) == (2 if order else 0)
    assert (
        build_timeline("main:311", envelopes(dead_letter)) is None
        and build_timeline("main:17", envelopes(dead_letter)) is None
    )
