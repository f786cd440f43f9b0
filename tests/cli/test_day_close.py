"""The close of a day: green if every order and refund is in the books, otherwise each difference with its cause."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from contracts.closing import DayClosed
from contracts.ledger import SaleDiverged, SaleRecorded
from contracts.model import Event
from contracts.operations import DeadLetterSettled
from contracts.shop import OrderChanged, OrderRemoved, RefundRemoved
from services.accounting.documents.order_edits import books_digest
from services.accounting.documents.unbookable import Unbookable
from services.cli.day_close.app import close_rows
from services.console.model.history import collect_facts
from services.order_exporter.tasks import SaleTask
from services.sandbox import recorded
from services.settings.model import Settings
from tests.cli.day_events import (
    DAY,
    REFUND_DAY,
    USING,
    close_of,
    day_entries,
    envelopes,
    open_dead_letter,
    recorded_credit_note,
)
from tests.support.exporting import (
    KEY,
    ORDER,
    PAID,
    SHOP,
    ZERO_VAT,
    given_back,
    line,
    order,
    recorded_order,
    recorded_sale,
    refund,
    sale_task,
    settings,
)

BOUGHT = order(line(1, "118.00", quantity="2"), line(2, "50.00", product=312, rate=ZERO_VAT))
SALE = recorded_sale(BOUGHT, USING)
BACK = refund("59.00", given_back(1, "59.00", quantity="1"))
NOTE = recorded_credit_note(BACK, BOUGHT)


def only(close: DayClosed) -> tuple[Decimal, str]:
    """The amount and the cause of the only difference."""
    [one] = close.differences
    assert not close.green
    return one.amount, one.cause


@pytest.mark.claim("I2", "S3.13")
def test_a_day_with_all_orders_in_the_books_is_green_by_every_vat_rate() -> None:
    close = close_of(BOUGHT, SALE)
    assert (close.green, close.differences) == (True, ())
    assert close_rows(close) == [
        ("orders 1, GEL", "168.00", "168.00", "0.00"),
        ("at 0 %, with VAT, GEL", "50.00", "50.00", "0.00"),
        ("at 18 %, with VAT, GEL", "118.00", "118.00", "0.00"),
        ("   without VAT", "100.00", "100.00", "0.00"),
        ("   VAT", "18.00", "18.00", "0.00"),
    ]


@pytest.mark.claim("I2")
def test_a_refund_belongs_to_its_own_day_and_lowers_the_vat() -> None:
    events = (BOUGHT, SALE, BACK, NOTE)
    assert [total.kind for total in close_of(*events).totals] == ["order"]
    close = close_of(*events, date=REFUND_DAY)
    assert close.green
    assert close_rows(close)[0] == ("refunds 1, GEL", "− 59.00", "− 59.00", "0.00")
    assert (close.vat[0].shop_vat, close.vat[0].books_vat) == (Decimal("-9.00"), Decimal("-9.00"))


def test_a_day_without_orders_is_green() -> None:
    assert close_of(BOUGHT, SALE, date="2026-03-09").green


@pytest.mark.parametrize(
    "events",
    [
        (order(line(1, "5.00"), status="pending", paid_at=None),),
        (order(line(1, "5.00"), status="cancelled"),),
        (order(line(1, "5.00")), OrderRemoved(shop=SHOP, order_id=ORDER, observed_at=PAID)),
    ],
    ids=["not paid", "cancelled", "removed"],
)
def test_an_order_that_needs_no_sale_is_not_counted(events: tuple[Event, ...]) -> None:
    close = close_of(*events, date="2026-03-01")
    assert close.green and close_of(*events).green and not close.totals


# -- differences, each with its cause


@pytest.mark.claim("I2")
def test_an_order_with_a_dead_letter_has_its_reason_code() -> None:
    close = close_of(BOUGHT, open_dead_letter(f"sale:{KEY}", KEY))
    assert only(close)[0] == Decimal("168.00")
    [one] = close.differences
    assert (one.number, one.reason) == ("1042", "balance.period-closed")
    assert one.cause.startswith("March is closed in Balance")


def test_a_discarded_order_remains_a_difference_with_the_person() -> None:
    failure = open_dead_letter(f"sale:{KEY}", KEY)
    gone = DeadLetterSettled(
        dead_letter=failure.dead_letter,
        service="order-exporter",
        original_key=KEY,
        how="discarded",
        by="nino",
        why="a test order",
        at=PAID,
    )
    assert "discarded by nino: a test order" in only(close_of(BOUGHT, failure, gone))[1]


@pytest.mark.parametrize(
    ("using", "cause"),
    [
        (settings(), "davtari order 1042 --shop main"),
        (settings("dry-run"), "the flow is dry-run"),
        (settings(hold=7 * 86400.0), "held until 09 Mar 2026 01:30 +04"),
    ],
    ids=["waiting", "dry run", "held"],
)
def test_an_order_without_a_sale_states_what_it_waits_for(using: Settings, cause: str) -> None:
    amount, why = only(close_of(BOUGHT, using=using))
    assert amount == Decimal("168.00") and cause in why


def test_a_refund_without_its_credit_note_is_a_difference_of_its_day() -> None:
    assert close_of(BOUGHT, SALE, BACK).green
    close = close_of(BOUGHT, SALE, BACK, open_dead_letter(f"credit-note:{KEY}:1051", KEY), date=REFUND_DAY)
    assert only(close)[0] == Decimal("59.00")
    assert close.differences[0].refund_id == 1051


def test_a_credit_note_whose_refund_was_deleted_is_a_difference() -> None:
    gone = RefundRemoved(shop=SHOP, order_id=ORDER, refund_id=1051, observed_at=PAID)
    amount, cause = only(close_of(BOUGHT, SALE, BACK, NOTE, gone, date=REFUND_DAY))
    assert (amount, "delete it in Balance" in cause) == (Decimal("-59.00"), True)


@pytest.mark.parametrize("status", ["cancelled", "failed"])
def test_a_sale_whose_order_became_void_is_a_difference(status: str) -> None:
    amount, cause = only(close_of(BOUGHT, SALE, BOUGHT.model_copy(update={"status": status})))
    assert (amount, f"is {status}" in cause) == (Decimal("-168.00"), True)


def test_an_order_edited_after_its_sale_is_a_difference_even_with_the_same_total() -> None:
    edited = order(line(1, "118.00", quantity="1"), line(2, "50.00", product=312, rate=ZERO_VAT))
    diverged = SaleDiverged(
        shop=SHOP,
        order_id=ORDER,
        sale=SALE.sale,
        recorded_total=SALE.total,
        order_total=edited.total,
        order_version=2,
        detail="the lines of order 1042 were changed",
        content_digest=books_digest(edited),
        observed_at=PAID,
    )
    assert only(close_of(BOUGHT, SALE, edited, diverged)) == (Decimal("0.00"), "the lines of order 1042 were changed")
    assert close_of(BOUGHT, SALE, edited, diverged, BOUGHT).green


def test_a_document_with_another_date_makes_both_days_differ() -> None:
    moved = SALE.model_copy(update={"date": "2026-03-03"})
    assert "in the books it has another date: 2026-03-03" in only(close_of(BOUGHT, moved))[1]
    assert f"in the shop it has another date: {DAY}" in only(close_of(BOUGHT, moved, date="2026-03-03"))[1]


def test_tax_that_rounding_does_not_explain_is_a_difference_and_a_tetri_or_two_are_not() -> None:
    def typed(tax: str) -> DayClosed:
        [taxed] = order(line(1, "118.00")).lines
        net = taxed.total + taxed.total_tax - Decimal(tax)
        given = {"total": net, "total_tax": Decimal(tax), "taxes": ({"rate_id": 1, "total": Decimal(tax)},)}
        bought = order(line(1, "118.00", **given))
        return close_of(bought, recorded_sale(bought, USING))

    assert typed("18.02").green
    assert "VAT: the order says 18.03" in only(typed("18.03"))[1]


def test_an_old_record_does_not_restore_an_old_state() -> None:
    first, second = envelopes(BOUGHT, BOUGHT.model_copy(update={"status": "cancelled"}))
    story = collect_facts([first, second, first]).of_shop(SHOP)[KEY]
    assert story.valid_order is None


# -- the digest


def test_the_same_day_has_the_same_digest_until_a_document_changes() -> None:
    first, again = close_of(BOUGHT, SALE), close_of(BOUGHT, BACK, SALE)
    assert first.digest == again.digest
    other = SALE.model_copy(update={"sale": "another"})
    assert len({first.digest, close_of(BOUGHT, other).digest, close_of(BOUGHT).digest}) == 3


def test_currencies_are_not_added_up() -> None:
    using = settings(balance={"currencies": {"USD": "55555555-0000-4000-8000-000000000001"}})
    dollars = order(line(1, "10.00"), order_id=7, currency="USD")
    close = close_of(BOUGHT, SALE, dollars, recorded_sale(dollars, using), using=using)
    assert close.green
    assert [(total.currency, total.shop) for total in close.totals] == [
        ("GEL", Decimal("168.00")),
        ("USD", Decimal("10.00")),
    ]


# -- orders that a real shop computed


def booked() -> Iterator[tuple[OrderChanged, SaleTask, SaleRecorded]]:
    """Every recorded order that can be booked, with its Sale."""
    using = settings(balance={"currencies": {"USD": "u", "EUR": "e"}})
    for order_id in recorded.list_order_ids():
        bought = recorded_order(recorded.get_recording(order_id)).model_copy(update={"status": "completed"})
        try:
            yield bought, sale_task(bought, using), recorded_sale(bought, using)
        except Unbookable:
            continue


@pytest.mark.claim("S3.13", "I2")
def test_every_booked_order_of_the_corpus_matches_by_rate_except_where_the_sale_notes_another_tax() -> None:
    causes: dict[int, str] = {}
    noted: set[int] = set()
    pairs = list(booked())
    for bought, task, sale in pairs:
        close = close_of(bought, sale, date=sale.date)
        assert [total.shop for total in close.totals] == [total.books for total in close.totals] != []
        causes |= {one.order_id: one.cause for one in close.differences}
        noted |= {task.order_id for _ in task.notes}
    assert len(pairs) > 200
    assert set(causes) == noted, {id_: causes.get(id_) for id_ in causes.keys() ^ noted}


def test_entries_are_sorted() -> None:
    other = order(line(1, "1.00"), order_id=9)
    assert [(entry.kind, entry.order_id) for entry in day_entries((BOUGHT, other, SALE))] == [
        ("order", 9),
        ("order", 1042),
    ]
