"""Builds the events of a shop's day, its entries and its close, for the tests of day-close and backfill."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from contracts.closing import DayClosed
from contracts.envelope import Envelope, wrap
from contracts.ledger import CreditNoteRecorded
from contracts.model import Event
from contracts.operations import DeadLettered, DeadLetterSettled, FailedDelivery
from contracts.shop import OrderChanged, RefundIssued
from services.console.model.days.close import ShopComparison, close_day
from services.console.model.days.entries import DayEntry, build_entries
from services.console.model.history import OrderFacts, collect_facts
from services.refund_exporter.tasks import note_content
from services.settings.model import Settings
from tests.refund_exporter.refund_bench import note as made_note
from tests.support.exporting import PAID, SHOP, settings

DAY = "2026-03-02"
"""The day of the order in Tbilisi: it was paid half past one at night."""
REFUND_DAY = "2026-03-05"
NOW = datetime(2026, 3, 6, 6, 0, tzinfo=UTC)
USING = settings()
ASKED = ShopComparison()
"""The shop has the same content as the topics."""


def envelopes(*events: Event) -> list[Envelope[Event]]:
    """The events, each a newer version of its subject than those before."""
    return [wrap(event, version=n, source="t", time=PAID) for n, event in enumerate(events, 1)]


def collect(*events: Event) -> OrderFacts:
    """The facts after these events."""
    return collect_facts(envelopes(*events))


def day_entries(events: Iterable[Event], date: str = DAY, using: Settings = USING) -> list[DayEntry]:
    """The entries of the day."""
    shop = using.shops[SHOP]
    receipts = None if shop.flows.payments == "off" else shop.payments
    return build_entries(collect(*events).of_shop(SHOP), shop.orders, date, receipts)


def close_of(
    *events: Event, date: str = DAY, using: Settings = USING, asked: ShopComparison | None = ASKED
) -> DayClosed:
    """The close of the day after these events, if the shop has the same content as the topics."""
    day, accepted = (SHOP, date), collect(*events).accepted
    return close_day(
        day, day_entries(events, date, using), using.shops[SHOP], "nino", NOW, asked=asked, accepted=accepted
    )


def recorded_credit_note(issued: RefundIssued, bought: OrderChanged, using: Settings = USING) -> CreditNoteRecorded:
    """The credit note of a refund, as recorded from Balance."""
    content = note_content(made_note(issued, using=using, bought=bought))
    return CreditNoteRecorded(**content, how="written", number="0000007", recorded_at=PAID)


def open_dead_letter(about: str, key: str, reason: str = "balance.period-closed") -> DeadLettered:
    """An open dead letter about a delivery."""
    kind = about.partition(":")[0]
    failed = FailedDelivery(delivery_id=about, subject=key, kind=kind, lane="balance.documents", payload={})
    return DeadLettered(
        dead_letter=f"failed-{about}",
        service="order-exporter",
        original_key=key,
        reason=reason,
        detail="March is closed in Balance",
        about=about,
        delivery=failed,
        digest="d",
        at=PAID,
    )


def settled_dead_letter(event: DeadLettered, how: Literal["replayed", "discarded"] = "replayed") -> DeadLetterSettled:
    """The event that closes a dead letter."""
    ids = {"dead_letter": event.dead_letter, "service": event.service}
    return DeadLetterSettled(**ids, original_key=event.original_key, how=how, by="nino", at=PAID)
