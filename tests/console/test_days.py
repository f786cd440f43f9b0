"""Days in the query database: for the recorded orders they show what an independent fold of the events shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from contracts.closing import DayClosed, DifferenceAccepted
from contracts.ledger import CreditNoteRecorded, SaleRecorded
from contracts.model import Event
from contracts.operations import CommandSettled, PaymentReceived
from contracts.shop import OrderChanged, RefundIssued
from services.accounting.documents.unbookable import Unbookable
from services.console.model.days.close import close_day
from services.console.model.days.entries import build_entries
from services.console.model.history import collect_facts
from services.console.queries.days import list_days, read_day, read_histories
from services.console.queries.orders import OrderFilter, search_orders
from services.engine.clock import local_date
from services.sandbox import recorded
from tests.cli.day_events import NOW, open_dead_letter, recorded_credit_note
from tests.console.console_bench import ConsoleBench, open_console
from tests.support.exporting import (
    KEY,
    PAID,
    SHOP,
    given_back,
    line,
    order,
    recorded_order,
    recorded_refunds,
    recorded_sale,
    refund,
    settings,
)

USING = settings()
RULES = USING.shops[SHOP]


@dataclass
class FoldedOrder:
    """What a plain fold of the events knows of an order."""

    order: OrderChanged
    sale: SaleRecorded | None = None
    refunds: dict[int, RefundIssued] = field(default_factory=dict)
    notes: dict[int, CreditNoteRecorded] = field(default_factory=dict)


@cache
def recorded_events() -> Sequence[Event]:
    """Every recorded order that can be booked, with its refunds; most have their documents, some failed.

    Those that failed were paid at once: the payment alone says on which day they belong into the books.
    """
    found: list[Event] = []
    for number, order_id in enumerate(recorded.list_order_ids()):
        recording = recorded.get_recording(order_id)
        bought = recorded_order(recording).model_copy(update={"status": "completed"})
        refunds = recorded_refunds(recording)
        with suppress(Unbookable):
            sale = recorded_sale(bought, USING)
            found += [bought, *refunds]
            if number % 7 == 0 and bought.paid_at is not None and bought.payment_method != "cod":
                found.append(open_dead_letter(f"sale:{bought.key}", bought.key))
                continue
            found.append(sale)
            if refunds and number % 3:
                with suppress(Unbookable):
                    found.append(recorded_credit_note(refunds[0], bought, USING))
    return found


def fold(events: Sequence[Event]) -> dict[str, FoldedOrder]:
    """The events, folded by this test alone."""
    found: dict[str, FoldedOrder] = {}
    for event in events:
        match event:
            case OrderChanged():
                found[event.key] = FoldedOrder(event)
            case RefundIssued():
                found[event.key].refunds[event.refund_id] = event
            case SaleRecorded():
                found[event.key].sale = event
            case CreditNoteRecorded():
                found[event.key].notes[event.refund_id] = event
    return found


def day_of_sale(one: FoldedOrder) -> str:
    """The day in Tbilisi on which the order was paid; the day of its Sale, if it has one."""
    if one.sale:
        return one.sale.date
    assert one.order.paid_at is not None, "only paid orders lack a Sale here"
    return local_date(one.order.paid_at)


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[ConsoleBench]:
    async with open_console(tmp_path, USING) as found:
        yield found


async def give(console: ConsoleBench, events: Sequence[Event]) -> None:
    for start in range(0, len(events), 200):
        await console.take(*events[start : start + 200])


@pytest.mark.claim("I16")
async def test_each_recorded_order_shows_the_figures_of_an_independent_fold(console: ConsoleBench) -> None:
    events = recorded_events()
    await give(console, events)
    expected = fold(events)
    shown = (await console.ask(search_orders, OrderFilter(), None, 500)).items
    assert len(expected) > 100
    assert {one.key for one in shown} == set(list(expected)[:500]) or len(shown) == 500
    for one in shown:
        known = expected[one.key]
        refunded = sum((each.amount for each in known.refunds.values()), Decimal(0))
        credited = sum((each.total for each in known.notes.values()), Decimal(0))
        assert (one.total, one.shop_total, one.credited) == (known.order.total, known.order.total - refunded, credited)
        assert one.booked == (known.sale.total if known.sale else None)
        assert one.state == ("in the books" if known.sale else "needs a person")
        assert one.matches == (known.sale is not None and known.sale.total - credited == one.shop_total)


@pytest.mark.claim("I16")
async def test_the_recorded_days_are_compared_as_an_independent_fold_compares_them(console: ConsoleBench) -> None:
    events = recorded_events()
    await give(console, events)
    orders = fold(events)
    facts = collect_facts(console_envelopes(events))
    dates = [date for date, _ in Counter(map(day_of_sale, orders.values())).most_common(3)]
    for date in dates:
        found = await console.ask(read_day, SHOP, date, RULES, NOW)
        total = next(one for one in found.now.totals if one.kind == "order")
        booked = [one.sale for one in orders.values() if one.sale and one.sale.date == date]
        sold = [one.order for one in orders.values() if day_of_sale(one) == date]
        assert (total.count, total.books) == (len(sold), sum(sale.total for sale in booked))
        assert abs(total.shop - sum(one.total for one in sold)) < Decimal("0.01") * len(sold)
        entries = build_entries(facts.of_shop(SHOP), RULES.orders, date)
        assert found.now == close_day((SHOP, date), entries, RULES, "", NOW, asked=None)
        assert found.open_differences == sum(1 for one in found.now.differences)


def console_envelopes(events: Sequence[Event]) -> list:  # type: ignore[type-arg]
    """The events in envelopes, each a newer version of its subject."""
    bench = ConsoleBench(None, lambda: PAID)  # type: ignore[arg-type]
    return [bench.wrap(event) for event in events]


BOUGHT = order(line(1, "20.00"), line(2, "30.00"))
SALE = recorded_sale(BOUGHT, USING)
DAY = "2026-03-02"


async def test_a_day_lists_a_missing_sale_a_refund_and_what_was_accepted(console: ConsoleBench) -> None:
    await console.take(BOUGHT)
    (missing,) = (await console.ask(read_day, SHOP, DAY, RULES, NOW)).now.differences
    assert (missing.name, missing.amount) == ("order:1042", Decimal(50))
    accepted = DifferenceAccepted(
        command_id="a", asked_by="nino", asked_at=NOW, shop=SHOP, date=DAY, difference=missing.name,
        figures=(missing.figures,), why="cash, entered by hand",
    )  # fmt: skip
    await console.take(accepted)
    (missing,) = (await console.ask(read_day, SHOP, DAY, RULES, NOW)).now.differences
    assert missing.accepted is not None and missing.accepted.by == "nino"
    await console.take(SALE)
    assert (await console.ask(read_day, SHOP, DAY, RULES, NOW)).now.differences == ()
    back = refund("20.00", given_back(1, "20.00", quantity="1"), created_at=PAID + timedelta(days=3))
    await console.take(back)
    later = await console.ask(read_day, SHOP, "2026-03-05", RULES, NOW)
    assert [one.name for one in later.now.differences] == ["refund:1042:1051"]
    assert (await console.ask(read_day, SHOP, DAY, RULES, NOW)).now.differences == ()


async def test_the_calendar_shows_closed_and_open_days_and_what_changed_since(console: ConsoleBench) -> None:
    await console.take(BOUGHT, SALE)
    (day,) = await console.ask(list_days, SHOP, "2026-03-01", "2026-03-31")
    assert (day.date, day.orders, day.close) == (DAY, 1, None)
    now = (await console.ask(read_day, SHOP, DAY, RULES, NOW)).now
    signed: DayClosed = now.model_copy(update={"green": True, "closed_by": "nino", "shop_asked": True})
    await console.take(signed)
    (day,) = await console.ask(list_days, SHOP, "2026-03-01", "2026-03-31")
    assert day.close == signed
    found = await console.ask(read_day, SHOP, DAY, RULES, NOW)
    assert (found.signed, found.changed) == (signed, False)
    await console.take(BOUGHT.model_copy(update={"lines": (line(1, "21.00"), line(2, "30.00")), "total": Decimal(51)}))
    assert (await console.ask(read_day, SHOP, DAY, RULES, NOW)).changed
    assert await console.ask(list_days, "second", "2026-03-01", "2026-03-31") == []


async def test_an_order_that_moves_to_another_day_leaves_the_first_one(console: ConsoleBench) -> None:
    await console.take(BOUGHT)
    moved: datetime = PAID + timedelta(days=4)
    await console.take(BOUGHT.model_copy(update={"paid_at": moved, "completed_at": moved}))
    days = await console.ask(list_days, SHOP, "2026-03-01", "2026-03-31")
    assert [one.date for one in days] == ["2026-03-06"]


async def test_a_history_lacks_refused_payments(console: ConsoleBench) -> None:
    payment = PaymentReceived(
        command_id="p1", asked_by="nino", asked_at=PAID, shop=SHOP, order_id=1042, date=DAY, amount=Decimal(5)
    )
    refused = CommandSettled(command_id="p2", service="order-exporter", outcome="refused", detail="no", settled_at=PAID)
    await console.take(BOUGHT, payment, payment.model_copy(update={"command_id": "p2"}), refused)
    histories = await console.ask(read_histories, [KEY])
    assert [one.command_id for one in histories[KEY].entered_payments] == ["p1"]
