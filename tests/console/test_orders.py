"""Orders in the query database: their rows, their search, and everything about one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.approvals import ApprovalAsked, ApprovalGiven
from contracts.delivery_ids import sale_id
from contracts.ledger import Attempt
from contracts.model import Event
from contracts.operations import CommandSettled, PaymentReceived
from contracts.shop import OrderChanged, OrderRemoved, OrderUnreadable, RefundRemoved
from services.console.queries.order_detail import read_order
from services.console.queries.orders import OrderFilter, OrderOverview, search_orders
from services.console.queries.page import InvalidCursor, ResultPage, cursor_of
from services.settings.translation import translator
from tests.cli.day_events import open_dead_letter, recorded_credit_note, settled_dead_letter
from tests.console.console_bench import ConsoleBench, open_console
from tests.support.exporting import (
    KEY,
    ORDER,
    PAID,
    PLACED,
    SHOP,
    buyer,
    given_back,
    line,
    order,
    push,
    recorded_sale,
    refund,
    settings,
)

BOUGHT = order(line(1, "20.00", name="Cup", sku="CUP-1"), line(2, "30.00", name="Pot", sku="POT-2"), person=buyer())
SALE = recorded_sale(BOUGHT, settings())
REFUND = refund("20.00", given_back(1, "20.00", quantity="1"))


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[ConsoleBench]:
    async with open_console(tmp_path) as found:
        yield found


async def listed(console: ConsoleBench, **wanted: Any) -> list[OrderOverview]:
    page: ResultPage[OrderOverview] = await console.ask(search_orders, OrderFilter(**wanted))
    return list(page.items)


async def state_of(console: ConsoleBench) -> tuple[str, str]:
    (found,) = await listed(console)
    return found.state, str(found.why)


async def test_an_order_is_followed_from_the_shop_into_the_books_and_back(console: ConsoleBench) -> None:
    await console.take(BOUGHT.model_copy(update={"status": "on-hold", "paid_at": None}))
    assert (await state_of(console))[0] == "watching"
    await console.take(BOUGHT)
    assert await state_of(console) == ("due", "its Sale is being exported")
    failed = open_dead_letter(sale_id(KEY), KEY)
    await console.take(failed)
    assert await state_of(console) == ("needs a person", "March is closed in Balance")
    await console.take(settled_dead_letter(failed))
    assert (await state_of(console))[0] == "due"
    await console.take(SALE)
    (found,) = await listed(console)
    assert (found.state, found.total, found.booked, found.matches) == ("in the books", 50, 50, True)
    await console.take(REFUND)
    (found,) = await listed(console)
    assert (found.shop_total, found.credited, found.matches) == (Decimal(30), Decimal(0), False)
    await console.take(recorded_credit_note(REFUND, BOUGHT))
    (found,) = await listed(console)
    assert (found.shop_total, found.credited, found.matches) == (Decimal(30), Decimal(20), True)
    await console.take(RefundRemoved(shop=SHOP, order_id=ORDER, refund_id=REFUND.refund_id, observed_at=PAID))
    (found,) = await listed(console)
    assert (found.shop_total, found.matches) == (Decimal(50), False)
    assert (await console.ask(read_order, SHOP, ORDER)).refunds == ()


async def test_an_order_that_was_never_readable_is_listed_with_the_reason(console: ConsoleBench) -> None:
    unread = OrderUnreadable(
        shop=SHOP, order_id=7, number="7", reason="shop.order-invalid", detail="line 1 has no total", observed_at=PAID
    )
    await console.take(unread)
    (found,) = await listed(console)
    assert (found.state, str(found.why), found.reason, found.total) == (
        ("not readable", "line 1 has no total", "shop.order-invalid", None)
    )
    await console.take(BOUGHT.model_copy(update={"order_id": 7}))
    assert (await state_of(console))[0] == "due"
    await console.take(OrderRemoved(shop=SHOP, order_id=7, observed_at=PAID))
    assert (await state_of(console))[0] == "removed"


async def test_a_hold_ends_by_itself_and_a_change_of_the_settings_is_followed(tmp_path: Path) -> None:
    async with open_console(tmp_path, settings(hold=3600.0)) as console:
        await console.engine.set_fingerprint("an hour")
        await console.take(BOUGHT)
        assert (await state_of(console))[0] == "held"
        console.clock.forward(minutes=61)
        await console.engine.decide_due()
        assert (await state_of(console))[0] == "due"
    async with open_console(tmp_path, settings("dry-run")) as console:
        await console.engine.set_fingerprint("a dry run")
        await console.engine.decide_due()
        assert await state_of(console) == ("due", "dry run: planned, not written")


async def test_everything_that_is_searched_for_finds_the_order(console: ConsoleBench) -> None:
    other = order(line(1, "5.00", sku="TEA"), order_id=9, number="9", created_at=PLACED - timedelta(days=40))
    await console.take(BOUGHT, SALE, other)
    mine: list[dict[str, Any]] = [
        {"text": "1042"}, {"text": "#1042"}, {"text": "cup-1"}, {"text": "POT"}, {"text": SALE.number},
        {"states": ("in the books",)}, {"since": PLACED - timedelta(days=1)}, {"total": Decimal("50.00")},
        {"text": BOUGHT.person.email.upper(), "people": True}, {"text": BOUGHT.person.phone[-7:], "people": True},
        {"text": BOUGHT.person.billing.last_name.upper(), "people": True},
        {"person_ref": BOUGHT.person_ref, "text": "CUP"},
    ]  # fmt: skip
    for wanted in mine:
        assert [one.order_id for one in await listed(console, **wanted)] == [ORDER], wanted
    nothing: list[dict[str, Any]] = [
        {"text": "%"}, {"text": "_"}, {"text": BOUGHT.person.email}, {"text": BOUGHT.person.billing.last_name},
        {"shop": "second"}, {"total": Decimal("50.01")}, {"differs": True}, {"has_dead_letter": True},
        {"until": PLACED - timedelta(days=60)},
    ]  # fmt: skip
    for wanted in nothing:
        assert await listed(console, **wanted) == [], wanted


async def test_pages_follow_one_another_without_a_gap_and_a_foreign_cursor_is_refused(console: ConsoleBench) -> None:
    together = [order(order_id=n, number=str(n), created_at=PLACED + timedelta(minutes=n // 3)) for n in range(1, 12)]
    await console.take(*together)
    seen: list[int] = []
    after: str | None = None
    while True:
        page = await console.ask(search_orders, OrderFilter(), after, 4)
        seen += [one.order_id for one in page.items]
        if (after := page.next) is None:
            break
    assert seen == sorted(range(1, 12), key=lambda n: (n // 3, f"{SHOP}:{n}"), reverse=True)
    for cursor in ("x", "", "W10", "WzEsMl0", "é", "A" * 1000, "bnVsbA"):
        with pytest.raises(InvalidCursor):
            await console.ask(search_orders, OrderFilter(), cursor)
    beyond: ResultPage[OrderOverview] = await console.ask(search_orders, OrderFilter(), cursor_of(2**64 - 1, KEY), 4)
    assert len(beyond.items) == 4


async def test_an_order_shows_its_lines_beside_those_of_its_documents(console: ConsoleBench) -> None:
    await console.take(BOUGHT, SALE, REFUND, recorded_credit_note(REFUND, BOUGHT))
    found = await console.ask(read_order, SHOP, ORDER)
    assert [(one.sku, one.shop, one.booked, one.credited, one.difference) for one in found.lines] == [
        ("CUP-1", Decimal(20), Decimal(20), Decimal(20), Decimal(0)),
        ("POT-2", Decimal(30), Decimal(30), Decimal(0), Decimal(0)),
    ]
    assert [(one.row.document, one.row.state, one.row.total) for one in found.documents] == [
        ("sale", "recorded", Decimal(50)), ("credit-note", "recorded", Decimal(20)),
    ]  # fmt: skip
    assert found.documents[0].sent == SALE.sent
    assert found.documents[0].lines == SALE.lines
    assert [(one.refund_id, one.amount, one.state) for one in found.refunds] == [(1051, Decimal(20), "in the books")]
    edited = BOUGHT.model_copy(update={"lines": (line(1, "21.00", sku="CUP-1"), BOUGHT.lines[1])})
    await console.take(edited)
    assert [one.difference for one in (await console.ask(read_order, SHOP, ORDER)).lines] == [Decimal(1), Decimal(0)]


async def test_the_timeline_describes_what_happened_with_its_attempts_approvals_and_dead_letters(
    console: ConsoleBench,
) -> None:
    shape = {"shop": SHOP, "shape": "card, 18 %"}
    asked = ApprovalAsked(
        **shape, document=sale_id(KEY), kind="sale", order_id=ORDER, total=Decimal(50), currency="GEL", asked_at=PAID
    )
    given = ApprovalGiven(**shape, command_id="c1", asked_by="nino", asked_at=PAID, why="looks right")
    other = ApprovalGiven(**shape, command_id="c2", asked_by="gia", asked_at=PAID, document="sale:main:9")
    failed = open_dead_letter(sale_id(KEY), KEY)
    attempt = Attempt(at=PAID + timedelta(seconds=50), outcome="retry", detail="Balance does not answer")
    story: list[Event] = [
        BOUGHT, asked, given, other, failed, settled_dead_letter(failed),
        SALE.model_copy(update={"attempts": (attempt,)}),
    ]  # fmt: skip
    for n, event in enumerate(story):
        await console.take(event, at=PAID + timedelta(seconds=10 * n))
    found = await console.ask(read_order, SHOP, ORDER)
    texts = [str(entry.message) for entry in found.timeline]
    assert texts == [
        "order read: processing, 50.00 GEL",
        "sale:main:1042 waits for approval: card, 18 %",
        "the shape card, 18 % approved by nino looks right",
        "dead letter failed-s: balance.period-closed: March is closed in Balance",
        "dead letter failed-s replayed by nino",
        "retry: Balance does not answer",
        f"Sale {SALE.sale} written, read back, as intended: 50.00",
    ]
    assert [entry.at for entry in found.timeline] == sorted(entry.at for entry in found.timeline)
    georgian = [entry.message.render(translator("ka")) for entry in found.timeline]
    assert all(there != here for there, here in zip(georgian, texts, strict=True))
    early = await console.ask(read_order, SHOP, ORDER, until=PAID + timedelta(seconds=15))
    assert [str(entry.message) for entry in early.timeline] == texts[:2]


async def test_a_refused_payment_does_not_count_and_a_push_ends_a_hold(tmp_path: Path) -> None:
    async with open_console(tmp_path, settings(hold=3600.0)) as console:
        paid = PaymentReceived(
            command_id="p1", asked_by="nino", asked_at=PAID, shop=SHOP, order_id=ORDER, date="2026-03-02",
            amount=Decimal(50),
        )  # fmt: skip
        refused = CommandSettled(
            command_id="p1", service="order-exporter", outcome="refused", detail="no such order", settled_at=PAID
        )
        await console.take(BOUGHT, paid, refused)
        assert (await state_of(console))[0] == "held"
        await console.take(push())
        assert (await state_of(console))[0] == "due"


async def test_events_in_any_order_and_twice_give_the_same_rows(tmp_path: Path) -> None:
    story = [BOUGHT, SALE, REFUND, recorded_credit_note(REFUND, BOUGHT), open_dead_letter("receipt:main:1042", KEY)]
    found = []
    for name, order_of in (("a", 1), ("b", -1)):
        async with open_console(tmp_path / name, caught_up=False) as console:
            envelopes = [console.wrap(event) for event in story][::order_of]
            await console.take_envelopes(envelopes)
            await console.take_envelopes(envelopes)
            await console.engine.finish_catch_up()
            found.append((await console.ask(read_order, SHOP, ORDER), await listed(console)))
    assert found[0][1] == found[1][1]
    assert found[0][0].lines == found[1][0].lines
    assert {entry.event for entry in found[0][0].timeline} == {entry.event for entry in found[1][0].timeline}


async def test_an_unknown_order_has_no_detail(console: ConsoleBench) -> None:
    assert await console.ask(read_order, SHOP, 1) is None


async def test_the_buyer_is_masked_unless_the_reader_may_see_people(console: ConsoleBench) -> None:
    person = buyer(email="nino@example.test", phone="+995 599 00 01 00")
    seen: OrderChanged = BOUGHT.model_copy(update={"person": person})
    await console.take(seen)
    (masked,) = await listed(console)
    (shown,) = await listed(console, people=True)
    assert masked.buyer is not None and shown.buyer is not None
    assert (masked.buyer.phone, masked.buyer.email) == ("995…100", "n…@example.test")
    assert person.billing.last_name not in masked.buyer.name
    assert (shown.buyer.phone, shown.buyer.email) == (person.phone, person.email)
    assert (await console.ask(read_order, SHOP, ORDER)).person is None
    assert (await console.ask(read_order, SHOP, ORDER, people=True)).person == person
