"""The timeline of an order, and whether the books agree with the shop."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from contracts.envelope import Envelope, wrap
from contracts.ledger import Attempt, CreditNoteRecorded, SaleRecorded
from contracts.model import Event
from contracts.notices import OrderNotePlanned, OrderNoteWritten, OrderStatusPlanned, OrderStatusWritten
from contracts.operations import DeadLettered, DeadLetterSettled
from contracts.privacy import ForgetRequested
from contracts.shop import OrderChanged, RefundIssued, RefundRemoved
from services.cli.orders.timeline import OrderTimeline, build_timeline

AT = datetime(2026, 11, 20, 10, 3, 7, tzinfo=UTC)
HERE: dict[str, Any] = {"shop": "main", "order_id": 1042}


def order(total: str = "187.40") -> OrderChanged:
    return OrderChanged(
        **HERE,
        number="1042",
        status="processing",
        currency="GEL",
        payment_method="card",
        prices_include_tax=True,
        total=Decimal(total),
        total_tax=Decimal(0),
        lines=(),
        created_at=AT,
        modified_at=AT,
        paid_at=AT,
        person_ref="p",
    )


def sale(total: str = "187.40", attempts: tuple[Attempt, ...] = ()) -> SaleRecorded:
    return SaleRecorded(
        **HERE,
        sale="5b0c",
        client="c",
        date="2026-11-20",
        total=Decimal(total),
        vat=Decimal(0),
        currency="GEL",
        lines=(),
        order_version=1,
        content_digest="d",
        sent={},
        how="written",
        recorded_at=AT,
        attempts=attempts,
    )


def refund(amount: str = "20.00") -> RefundIssued:
    return RefundIssued(**HERE, refund_id=1051, currency="GEL", amount=Decimal(amount), created_at=AT, person_ref="p")


def note(total: str = "20.00") -> CreditNoteRecorded:
    return CreditNoteRecorded(
        **HERE,
        refund_id=1051,
        credit_note="77e2",
        sale="5b0c",
        date="2026-11-20",
        total=Decimal(total),
        vat=Decimal(0),
        currency="GEL",
        lines=(),
        content_digest="d",
        sent={},
        how="written",
        recorded_at=AT,
    )


def dead_letter() -> DeadLettered:
    return DeadLettered(
        dead_letter="4c1",
        service="order-exporter",
        original_key="main:1042",
        reason="balance.period-closed",
        detail="November is closed",
        about="sale:main:1042",
        digest="d",
        at=AT,
    )


def settled() -> DeadLetterSettled:
    return DeadLetterSettled(
        dead_letter="4c1", service="order-exporter", original_key="main:1042", how="replayed", by="nino", at=AT
    )


def wrap_events(*events: Event) -> list[Envelope[Event]]:
    return [
        wrap(e, version=n, source="order-exporter", time=AT + timedelta(seconds=n)) for n, e in enumerate(events, 1)
    ]


def of(events: Iterable[Envelope[Event]]) -> OrderTimeline:
    found = build_timeline("main:1042", events)
    assert found is not None
    return found


def test_the_timeline_is_sorted_by_time() -> None:
    story = wrap_events(order(), sale(), refund(), note())
    assert of(reversed(story)).entries == of(story).entries
    assert [entry.at for entry in of(story).entries] == [
        f"20 Nov 2026 14:03:{second:02} +04" for second in range(8, 12)
    ]


def test_books_equal_to_the_shop_have_no_difference() -> None:
    found = of(wrap_events(order(), sale(), refund(), note()))
    assert (found.sale, found.credited, found.shop) == (Decimal("187.40"), Decimal("20.00"), Decimal("167.40"))
    assert found.matches and not found.waits


@pytest.mark.parametrize(
    "events",
    [(order(), sale("187.39")), (order(), sale(), refund()), (order(), sale(), refund(), note("19.99")), (order(),)],
    ids=["another total", "a credit note is missing", "another credit", "no Sale"],
)
def test_each_difference_of_the_books_is_listed(events: tuple[Event, ...]) -> None:
    assert not of(wrap_events(*events)).matches


def test_a_deleted_refund_is_not_counted() -> None:
    gone = RefundRemoved(**HERE, refund_id=1051, observed_at=AT)
    assert of(wrap_events(order(), sale(), refund(), gone)).matches


def test_failed_attempts_are_shown() -> None:
    lost = Attempt(at=AT, outcome="unknown", detail="no answer within 30 s")
    assert "unknown: no answer within 30 s" in [
        entry.what for entry in of(wrap_events(order(), sale(attempts=(lost,)))).entries
    ]


def test_an_order_with_an_open_dead_letter_needs_a_person() -> None:
    assert of(wrap_events(order(), dead_letter())).waits
    assert not of(wrap_events(order(), dead_letter(), settled(), sale())).waits


def test_other_orders_are_left_out_and_an_unknown_order_has_no_timeline() -> None:
    assert build_timeline("main:1", wrap_events(order(), sale())) is None


def test_notes_and_statuses_in_the_shop_are_shown() -> None:
    about = HERE | {"marker": "davtari-1", "about": "sale", "customer": True, "says": "Sale 123 (davtari-1)"}
    moved = HERE | {"booked": "posted", "was": "processing", "status": "completed", "order_version": 1}
    events = (
        OrderNotePlanned(**about, planned_at=AT),
        OrderNoteWritten(**about, how="written", note_id=29, written_at=AT),
        OrderStatusPlanned(**moved, planned_at=AT),
        OrderStatusWritten(**moved, how="found", written_at=AT),
    )
    assert [entry.what for entry in of(wrap_events(order(), sale(), *events)).entries[2:]] == [
        "dry run: would write a note to the customer: Sale 123 (davtari-1)",
        "note to the customer 29 written in the shop: Sale 123 (davtari-1)",
        "dry run: would set the status processing → completed, because it is posted in the books",
        "status processing → completed found in the shop, because it is posted in the books",
    ]


def forgotten(ref: str, *, dry_run: bool = False) -> ForgetRequested:
    """A person asks to forget a person."""
    return ForgetRequested(
        command_id="f-1", asked_by="nino", asked_at=AT, person_ref=ref, why="asked for", dry_run=dry_run
    )


@pytest.mark.claim("S2.16")
def test_the_timeline_shows_the_erasure_of_the_buyers_data() -> None:
    nobody = order().model_copy(update={"person": None})

    found = of(wrap_events(nobody, sale(), forgotten("p"), forgotten("other"), forgotten("p", dry_run=True)))

    assert found.matches
    assert [entry.what for entry in found.entries if "erased" in entry.what] == [
        "the buyer's personal data was erased at the request of nino: asked for"
    ]
