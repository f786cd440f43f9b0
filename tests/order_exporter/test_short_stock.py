"""A Sale that Balance cannot post for lack of stock: parked, or waiting for the receipt and then going by itself."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.placement import SalePostponed
from contracts.reasons import Reason
from services.connectors.balance.refusals import build_refusal
from services.engine.outbox.decision import NOTHING, Decision, Delivery
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Done, Outcome, Refused
from services.order_exporter.deliveries import deliveries
from services.order_exporter.tasks import SaleTask
from services.settings.balance import Dialect
from services.settings.model import Settings
from tests.order_exporter.export_bench import bought, consumer
from tests.order_exporter.warehouse_stock import GLDANI, HOUR_LATER, OUT_OF_STOCK, stock_of
from tests.support.exporting import KEY, PAID, item_of, link, push, recorded_sale, settings
from tests.support.fake_books import FakeBooks
from tests.support.memory_state import Consumer

DIALECT = Dialect(posted_field="Posted")
SHORT = build_refusal("PUT Sale: HTTP 400", OUT_OF_STOCK, DIALECT, 400)


def using(policy: str, **orders: Any) -> Settings:
    return settings(short_stock=policy, warehouse=GLDANI, balance={"dialect": {"posted_field": "Posted"}}, **orders)


def sale_of(decision: Decision) -> Delivery:
    [delivery] = decision.deliveries
    return delivery


def first(service: Consumer) -> Delivery:
    return sale_of(service.take(link(311), stock_of(311, gldani="1"), bought())[KEY])


async def deliver(delivery: Delivery, books: FakeBooks) -> Outcome:
    row = Row(delivery.id, delivery.kind, delivery.lane, delivery.key, KEY, delivery.payload)
    [outcome] = await deliveries(books, DIALECT, lambda: PAID)["balance.documents"]([row])
    return outcome


def event_of(outcome: Outcome) -> SalePostponed:
    assert isinstance(outcome, Done)
    [event] = outcome.events
    assert isinstance(event, SalePostponed)
    return event


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (OUT_OF_STOCK, Reason.BALANCE_STOCK_SHORT),
        ("недостаточно остатка на складе: чай", Reason.BALANCE_STOCK_SHORT),
        ("Not enough stock of tea", Reason.BALANCE_STOCK_SHORT),
        ("period is closed", Reason.BALANCE_PERIOD_CLOSED),
        ("no such client", Reason.BALANCE_REFUSED),
    ],
)
def test_missing_stock_is_distinguished_from_other_refusals_by_balances_words(words: str, reason: Reason) -> None:
    assert build_refusal("PUT Sale", words, Dialect(), 400).reason == reason


@pytest.mark.claim("S3.39")
async def test_by_default_it_is_parked_with_the_reason() -> None:
    outcome = await deliver(first(consumer(using("park"))), FakeBooks(fail_before={2: SHORT}))
    assert isinstance(outcome, Refused)
    assert (outcome.reason, OUT_OF_STOCK in outcome.detail) == (Reason.BALANCE_STOCK_SHORT, True)


@pytest.mark.claim("S3.39")
@pytest.mark.parametrize(("policy", "left"), [("wait", []), ("unposted", [False])])
async def test_it_waits_for_the_receipt_and_then_is_posted_by_itself(policy: str, left: list[bool]) -> None:
    service, books = consumer(using(policy)), FakeBooks(fail_before={2: SHORT})
    postponed = event_of(await deliver(first(service), books))
    assert [document["Posted"] for document in books.sales.values()] == left
    assert (postponed.unposted, [each.item for each in postponed.pieces]) == (bool(left), [item_of(311)])
    waiting = sale_of(service.take(postponed)[KEY])
    assert waiting.blocked is not None
    assert (waiting.blocked.on, waiting.blocked.reason) == (f"stock:{KEY}", Reason.BALANCE_STOCK_SHORT)
    goes = sale_of(service.take(stock_of(311, at=HOUR_LATER, gldani="2"))[KEY])
    assert goes.blocked is None
    done = await deliver(goes, books)
    assert isinstance(done, Done)
    assert [document["Posted"] for document in books.sales.values()] == [True]
    assert service.take(*done.events)[KEY] == NOTHING


@pytest.mark.parametrize(
    ("reading", "goes"),
    [
        (stock_of(311, at=HOUR_LATER, gldani="1"), False),
        (stock_of(311, at=HOUR_LATER, vake="9"), False),
        (stock_of(311, at=PAID, gldani="9"), False),
        (stock_of(311, at=HOUR_LATER, gldani="9", reserve="8"), False),
        (stock_of(311, at=HOUR_LATER, gldani="2"), True),
    ],
    ids=["too few", "elsewhere", "read before the refusal", "reserved for others", "enough"],
)
async def test_only_a_newer_reading_that_shows_all_goods_lets_it_go(reading: Any, goes: bool) -> None:
    service = consumer(using("wait"))
    postponed = event_of(await deliver(first(service), FakeBooks(fail_before={2: SHORT})))
    service.take(postponed)
    assert (sale_of(service.take(reading)[KEY]).blocked is None) is goes


async def test_a_push_tries_it_at_once() -> None:
    service = consumer(using("wait"))
    service.take(event_of(await deliver(first(service), FakeBooks(fail_before={2: SHORT}))))
    assert sale_of(service.take(push(asked_at=HOUR_LATER))[KEY]).blocked is None


async def test_what_a_person_has_changed_in_the_draft_is_taken_as_it_is() -> None:
    service, books = consumer(using("unposted")), FakeBooks(fail_before={2: SHORT})
    service.take(event_of(await deliver(first(service), books)))
    [document] = books.sales.values()
    document["Items"][0]["Amount"] = "19.00"
    goes = sale_of(service.take(stock_of(311, at=HOUR_LATER, gldani="2"))[KEY])
    written = books.puts("Sale")
    done = await deliver(goes, books)
    assert isinstance(done, Done)
    assert books.puts("Sale") == written
    assert done.events[0].content()["how"] == "adopted"


async def test_an_edited_order_is_another_sale_and_is_tried_again() -> None:
    service = consumer(using("wait"))
    service.take(event_of(await deliver(first(service), FakeBooks(fail_before={2: SHORT}))))
    edited = bought(total="20.01")
    assert edited.total != bought().total
    assert sale_of(service.take(edited)[KEY]).blocked is None


@pytest.mark.claim("S3.38")
async def test_a_sale_left_unposted_is_recorded_as_such() -> None:
    service = consumer(using("park", document_state="unposted"))
    outcome = await deliver(first(service), FakeBooks())
    assert isinstance(outcome, Done)
    assert outcome.events[0].content()["posted"] is False
    assert recorded_sale(bought(), settings()).posted is True


def test_a_task_of_before_needs_nothing_new() -> None:
    task = SaleTask.model_validate(first(consumer()).payload)
    assert (task.short_stock, task.again, task.pieces) == ("park", False, ())
