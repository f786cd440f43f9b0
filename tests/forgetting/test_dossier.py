"""What `davtari forget` reports about a person: orders, copies, keys, and warnings."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.envelope import Envelope, wrap
from contracts.ledger import ClientRecorded
from contracts.model import Event
from contracts.operations import CommandSettled, DeadLettered, FailedRecord
from contracts.privacy import PersonForgotten, PersonKeyMade
from contracts.shop import OrderChanged, OrderRemoved
from services.cli.forget.app import ForgetAnswers, describe_answers, describe_dossier
from services.cli.forget.dossier import Dossier, build_dossier, find_person_refs, key_deletions
from services.connectors.woocommerce.customers import order_ref
from tests.forgetting.requests import buyer_with_id
from tests.support.exporting import ORDER, SHOP, line, order, recorded_sale, refund, settings

pytestmark = pytest.mark.claim("S2.16")
KEY = f"{SHOP}:{ORDER}"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
BOUGHT = order(line(1, "20.00"))
LATER = BOUGHT.model_copy(update={"order_id": 1050, "created_at": BOUGHT.created_at + timedelta(days=3)})
OTHER = BOUGHT.model_copy(update={"order_id": 1060, "person_ref": "p-2"})


def envelopes(*events: Event) -> list[Envelope[Event]]:
    """The events, one after the other."""
    return [
        wrap(event, version=number, source="/tests", time=NOW + timedelta(seconds=number))
        for number, event in enumerate(events, start=1)
    ]


def of(*events: Event, refs: Sequence[str] = ("p-1",)) -> Dossier:
    return build_dossier(refs, envelopes(*events))


def sealed(event: OrderChanged) -> OrderChanged:
    return event.model_copy(update={"sealed": "eyJ…"})


def key(service: str = "store-feed", ref: str = "p-1", kid: str = "k1") -> PersonKeyMade:
    return PersonKeyMade(person_ref=ref, service=service, kid=kid, key_base64url="A" * 43, made_at=NOW)


def person_forgotten(service: str = "store-feed", ref: str = "p-1") -> PersonForgotten:
    return PersonForgotten(person_ref=ref, service=service, kid="k1", at=NOW, by="nino", why="asked for")


def unreadable(value: bytes) -> DeadLettered:
    record = FailedRecord(
        topic="davtari.shop.orders", partition=0, offset=3, timestamp=0, key=None, value=b64encode(value).decode(),
        headers=(),
    )  # fmt: skip
    return DeadLettered(
        dead_letter="d-1", service="order-exporter", original_key=KEY, reason="record.rule-failed", detail="", about="",
        record=record, digest="", at=NOW,
    )  # fmt: skip


def test_the_persons_of_an_order_include_its_earlier_buyers() -> None:
    erased = BOUGHT.model_copy(update={"person_ref": "p-9"})

    assert find_person_refs(KEY, envelopes(BOUGHT, OTHER, erased, refund("1.00"))) == {"p-1", "p-9"}


def test_exactly_the_orders_of_the_person_are_found() -> None:
    found = of(BOUGHT, LATER, OTHER)

    assert (sorted(found.orders), found.since) == ([KEY, f"{SHOP}:1050"], BOUGHT.created_at)


@pytest.mark.parametrize(
    ("events", "copies"),
    [
        ([BOUGHT], {}),
        ([sealed(BOUGHT)], {"sealed": 1}),
        ([BOUGHT.model_copy(update={"person": buyer_with_id()}), sealed(LATER)], {"person": 1, "sealed": 1}),
        ([sealed(OTHER)], {}),
        ([unreadable(sealed(BOUGHT).model_dump_json().encode())], {"sealed": 1}),
        ([unreadable(b'{"person_ref": "p-1", "email": "nino@')], {"person": 1}),
    ],
)
def test_sealed_and_plain_copies_are_counted(events: list[Event], copies: dict[str, int]) -> None:
    assert of(*events).copies == copies


@pytest.mark.parametrize(
    ("events", "services"),
    [
        ([key(), key("order-exporter")], ["p-1:order-exporter", "p-1:store-feed"]),
        ([key(), person_forgotten()], []),
        ([key(), person_forgotten(), key(kid="k2")], ["p-1:store-feed"]),
        ([key(ref="p-2")], []),
    ],
)
def test_the_existing_keys_are_listed(events: list[Event], services: list[str]) -> None:
    assert sorted(of(*events).keys) == services


def test_a_key_is_erased_by_the_next_version_under_its_own_name() -> None:
    [(event, version)] = key_deletions(of(key(kid="k0"), key()).keys, "nino", "asked for", NOW)

    assert (event.key, event.kid, version) == ("p-1:store-feed", "k1", 3)


@pytest.mark.parametrize(
    ("then", "unbooked"),
    [
        ([], [KEY]),
        ([recorded_sale(BOUGHT, settings())], []),
        ([OrderRemoved(shop=SHOP, order_id=ORDER, observed_at=NOW)], []),
        ([BOUGHT.model_copy(update={"status": "cancelled"})], []),
    ],
)
def test_an_order_without_a_recorded_sale_is_reported(then: list[Event], unbooked: list[str]) -> None:
    found = of(BOUGHT, *then)

    assert (found.unbooked([SHOP]), found.unbooked([])) == (unbooked, [])


def test_an_order_whose_buyer_the_shop_still_names_is_reported() -> None:
    erased = LATER.model_copy(update={"person_ref": order_ref(SHOP, LATER.order_id)})

    assert of(BOUGHT, LATER, erased).unerased() == [KEY]


def test_data_remaining_in_balance_is_reported() -> None:
    client: dict[str, Any] = {"shop": SHOP, "order_id": ORDER, "person_ref": "p-1", "client": "c-1", "how": "found"}
    found = of(BOUGHT, ClientRecorded(**client, code="0001", recorded_at=NOW), recorded_sale(BOUGHT, settings()))

    assert (found.clients, found.documents) == ({"c-1": "0001"}, {"Sale": 1})
    assert recorded_sale(BOUGHT, settings()).total == Decimal("20.00")


def test_the_data_held_about_a_person_is_shown_first() -> None:
    client: dict[str, Any] = {"shop": SHOP, "order_id": ORDER, "person_ref": "p-1", "client": "c-1", "how": "found"}
    clear = LATER.model_copy(update={"person": buyer_with_id()})
    sold = ClientRecorded(**client, code="0001", recorded_at=NOW), recorded_sale(BOUGHT, settings())
    found = of(sealed(BOUGHT), clear, key(), key("order-exporter"), *sold)

    lines = describe_dossier(found, found.unbooked([SHOP]), [Path("store-feed.v2.sqlite")])

    assert lines[:3] == [
        "2 orders since 2026-03-01: main:1042, main:1050",
        "in the log: 1 sealed copy with 2 keys; 1 unsealed, published before sealing was introduced: not erased",
        "in Balance: client 0001, 1 Sale: kept as accounting records",
    ]
    assert [line[:35] for line in lines[3:]] == [
        "! not erased in the shop when last ",
        "! not in the books yet: main:1050; ",
        "! older state databases may contain",
    ]


def test_the_result_is_described_for_each_service() -> None:
    answer = CommandSettled(
        command_id="f-1", service="store-feed", outcome="done", detail="", settled_at=NOW,
        figures={"copies": 2, "waiting": 1},
    )  # fmt: skip

    assert describe_answers(ForgetAnswers((answer,), ("alerts",)), ["store-feed", "alerts"], 1, dry_run=False) == [
        "1 key deleted",
        "store-feed: 2 copies; pending, with personal data until completed: 1 delivery",
        "alerts: no answer; the command is stored and will be processed when the service runs (davtari status)",
    ]
