"""Which order and shop a dead letter is about, for every form that its key and subject can take."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from contracts.operations import DeadLettered, FailedDelivery, FailedRecord
from services.cli.orders.timeline import build_timeline
from services.engine.outbox.dead_letters import order_key_of, order_of, shop_of
from tests.cli.day_events import DAY, close_of, envelopes, settled_dead_letter
from tests.support.exporting import PAID

ITEM = "5d2c6fae-0000-4000-8000-000000000311"


def of_delivery(service: str, subject: str, key: str = "", delivery: str = "") -> DeadLettered:
    """The letter of a delivery; its key is its subject unless another is given."""
    failed = FailedDelivery(delivery_id=delivery or f"x:{subject}", subject=subject, kind="x", lane="l", payload={})
    return _letter(service, key or subject, delivery or f"x:{subject}", delivery=failed)


def of_record(service: str, topic: str, key: str) -> DeadLettered:
    """The letter of a record that cannot be handled."""
    coded = b64encode(key.encode()).decode()
    held = FailedRecord(topic=f"davtari.{topic}", partition=0, offset=7, timestamp=0, key=coded, value=None, headers=())
    return _letter(service, key, f"record {topic}/0/7", record=held)


def _letter(service: str, key: str, about: str, **more: Any) -> DeadLettered:
    said = {"reason": "shop.refused", "detail": "no", "digest": "d", "at": PAID}
    return DeadLettered(
        dead_letter=f"{service}|{about}", service=service, original_key=key, about=about, **said, **more
    )


FORMS = {
    "a Sale": (of_delivery("order-exporter", "main:1042"), "main", 1042),
    "a client, whose key is its identity": (of_delivery("order-exporter", "main:1042", key="i-9"), "main", 1042),
    "contacts, whose key is a client of Balance": (of_delivery("order-exporter", "main:1042", key=ITEM), "main", 1042),
    "a decision about an order": (
        of_delivery("refund-exporter", "main:1042", delivery="decide:main:1042"),
        "main",
        1042,
    ),
    "an order that cannot be read": (of_delivery("store-feed", "main:1042"), "main", 1042),
    "a note in the shop": (of_delivery("order-notifier", "main:1042"), "main", 1042),
    "a product": (of_delivery("catalog-importer", f"main:{ITEM}"), "main", None),
    "a product whose item has a number for a uid": (of_delivery("catalog-importer", "main:311"), "main", None),
    "a stock figure": (of_delivery("stock-publisher", "main:311"), "main", None),
    "a customer's account": (of_delivery("store-feed", "customer main:17"), "main", None),
    "a shop that was accepted": (of_delivery("store-feed", "accept main", key="main"), "main", None),
    "a fault of webhooks": (of_delivery("store-feed", "webhooks of main"), "main", None),
    "a fault of a Balance import": (of_delivery("balance-feed", "stock:import"), None, None),
    "an item of Balance": (of_delivery("balance-feed", ITEM), None, None),
    "an item of Balance with a number for a uid": (of_delivery("balance-feed", "prices:17"), None, None),
    "a record of an order": (of_record("stock-publisher", "shop.orders", "main:1042"), "main", 1042),
    "a record of a document": (of_record("refund-exporter", "ledger.documents", "main:1042"), "main", 1042),
    "a record of a product's link": (of_record("order-exporter", "catalog.links", "main:311"), "main", None),
    "a record of an account": (of_record("store-feed", "shop.customers", "main:17"), "main", None),
    "a record of Balance": (of_record("order-exporter", "balance.stock", ITEM), None, None),
    "a command": (of_record("order-exporter", "operations", "7f3c"), None, None),
    "a record without a key": (of_record("order-exporter", "shop.orders", ""), None, None),
    "an order that is no number": (of_delivery("order-exporter", "main:١٠٤٢"), "main", None),
}


@pytest.mark.parametrize(("letter", "shop", "order"), FORMS.values(), ids=list(FORMS))
def test_a_letter_names_its_shop_and_its_order(letter: DeadLettered, shop: str | None, order: int | None) -> None:
    assert (shop_of(letter), order_of(letter)) == (shop, order)
    assert order_key_of(letter) == (f"{shop}:{order}" if order else None)


@pytest.mark.claim("I2")
@pytest.mark.parametrize("letter", [form[0] for form in FORMS.values()], ids=list(FORMS))
def test_the_day_closes_whatever_a_dead_letter_is_about(letter: DeadLettered) -> None:
    assert close_of(letter, settled_dead_letter(letter), date=DAY).differences == ()


@pytest.mark.parametrize(("letter", "shop", "order"), FORMS.values(), ids=list(FORMS))
def test_the_passport_of_an_order_holds_its_own_letters_and_no_others(
    letter: DeadLettered, shop: str | None, order: int | None
) -> None:
    story = build_timeline("main:1042", envelopes(letter, settled_dead_letter(letter)))
    assert (len(story.entries) if story else 0) == (2 if order else 0)
    assert (
        build_timeline("main:311", envelopes(letter)) is None and build_timeline("main:17", envelopes(letter)) is None
    )
