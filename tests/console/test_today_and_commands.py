"""Today's figures, approvals, commands with their answers, and how far the console has read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from contracts.approvals import ApprovalAsked, ApprovalGiven
from contracts.delivery_ids import sale_id
from contracts.operations import CommandSettled, ImportRequested
from services.console.queries.approvals import list_approval_history, list_approvals
from services.console.queries.commands import CommandQuery, list_commands, read_command
from services.console.queries.freshness import read_freshness
from services.console.queries.orders import OrderFilter, search_orders
from services.console.queries.today import day_of, read_today
from services.engine.clock import TBILISI
from tests.cli.day_events import open_dead_letter
from tests.console.console_bench import ConsoleBench, open_console
from tests.support.exporting import KEY, ORDER, PAID, SHOP, line, order, recorded_sale, settings

MORNING = datetime(2026, 3, 2, 9, 30, tzinfo=TBILISI)
APPROVING = settings(approve_first=2)
BOUGHT = order(line(1, "20.00"))
ASKED = ApprovalAsked(
    shop=SHOP, document=sale_id(KEY), kind="sale", order_id=ORDER, shape="card, 18 %", total=Decimal(20),
    currency="GEL", asked_at=PAID,
)  # fmt: skip


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[ConsoleBench]:
    async with open_console(tmp_path, APPROVING) as found:
        yield found


def placed(number: int, at: datetime, total: str = "20.00", **fields: object) -> object:
    return order(line(1, total), order_id=number, number=str(number), created_at=at, **fields)


async def test_today_counts_orders_by_state_and_adds_their_money_exactly(console: ConsoleBench) -> None:
    booked = [placed(n, MORNING + timedelta(hours=n), "0.10") for n in range(1, 4)]
    failed = placed(7, MORNING, "5.00")
    yesterday = placed(8, MORNING - timedelta(hours=10))
    week_ago = [placed(n, MORNING - timedelta(weeks=1)) for n in range(20, 26)]
    await console.take(*booked, failed, yesterday, *week_ago, placed(9, MORNING, status="cancelled"))  # type: ignore[arg-type]
    await console.take(*[recorded_sale(one, settings()) for one in booked])  # type: ignore[arg-type]
    await console.take(open_dead_letter(f"sale:{SHOP}:7", f"{SHOP}:7"))
    found = await console.ask(read_today, MORNING + timedelta(hours=8))
    assert (found.date, found.orders, found.in_books, found.need_person, found.ended) == ("2026-03-02", 5, 3, 1, 1)
    assert (found.held, found.in_progress) == (0, 0)
    assert [(one.currency, one.shop, one.books) for one in found.money] == [("GEL", Decimal("5.30"), Decimal("0.30"))]
    assert (sum(found.by_hour), found.by_hour[9], found.by_hour[10]) == (5, 2, 1)
    assert (found.typical, dict(found.attention), found.approvals) == (1.5, {"accountant": 1}, 0)
    assert found.untouched == pytest.approx(11 / 12)
    assert (await console.ask(read_today, MORNING, "second")).orders == 0


async def test_an_order_of_the_day_that_differs_from_the_books_is_named(console: ConsoleBench) -> None:
    sold = placed(1, MORNING)
    await console.take(sold, recorded_sale(sold, settings()), placed(1, MORNING, "21.00"))  # type: ignore[arg-type]
    found = await console.ask(read_today, MORNING)
    assert [(one.order_id, one.shop_total, one.booked) for one in found.differing] == [(1, Decimal(21), Decimal(20))]


def test_a_day_is_that_of_tbilisi() -> None:
    start, end = day_of(PAID)
    assert (start.isoformat(), end - start) == ("2026-03-02T00:00:00+04:00", timedelta(days=1))


async def test_a_document_waits_until_it_or_its_shape_is_approved(console: ConsoleBench) -> None:
    await console.take(BOUGHT, ASKED)
    (shape,) = await console.ask(list_approvals)
    assert (shape.shape, shape.waiting, shape.given) == ("card, 18 %", (ASKED,), ())
    assert [one.state for one in (await console.ask(search_orders, OrderFilter())).items] == ["to be approved"]
    other = {"shop": SHOP, "shape": "card, 18 %", "asked_by": "nino", "asked_at": PAID}
    await console.take(ApprovalGiven(**other, command_id="a1", document="sale:main:9"))
    (shape,) = await console.ask(list_approvals, SHOP)
    assert len(shape.given) == 1
    await console.take(ApprovalGiven(**other, command_id="a2"))
    assert await console.ask(list_approvals) == []
    assert [one.state for one in (await console.ask(search_orders, OrderFilter())).items] == ["due"]
    assert [one.state for one in (await console.ask(list_approval_history)).items] == ["approved"]
    await console.take(recorded_sale(BOUGHT, settings()))
    assert [one.state for one in (await console.ask(list_approval_history)).items] == ["closed"]


async def test_a_command_is_sent_then_done_or_refused_by_each_service(console: ConsoleBench) -> None:
    command = ImportRequested(command_id="i", asked_by="nino", asked_at=PAID, resource="stock")
    assert await console.ask(read_command, "i") is None
    await console.take(command)
    sent = await console.ask(read_command, "i")
    assert (sent.state, sent.asked_by, str(sent.message)) == ("sent", "nino", "import of stock now")
    done = CommandSettled(command_id="i", service="balance-feed", outcome="done", detail="3 changed", settled_at=PAID)
    await console.take(done)
    found = await console.ask(read_command, "i")
    assert (found.state, found.answers) == ("done", (done,))
    await console.take(done.model_copy(update={"service": "alerts", "outcome": "refused"}))
    assert (await console.ask(read_command, "i")).state == "refused"
    assert len((await console.ask(list_commands, CommandQuery(asked_by="nino"))).items) == 1
    assert (await console.ask(list_commands, CommandQuery(state="sent"))).items == ()


async def test_an_answer_that_is_read_before_its_command_is_kept(console: ConsoleBench) -> None:
    done = CommandSettled(command_id="i", service="balance-feed", outcome="done", detail="3 changed", settled_at=PAID)
    await console.take(done)
    await console.take(ImportRequested(command_id="i", asked_by="nino", asked_at=PAID, resource="stock"))
    found = await console.ask(read_command, "i")
    assert (found.type, found.asked_by, found.answers) == (ImportRequested.TYPE, "nino", (done,))


async def test_freshness_names_the_newest_event_and_the_share_that_is_read(console: ConsoleBench) -> None:
    await console.take(BOUGHT, at=PAID)
    await console.take(ASKED, at=PAID + timedelta(minutes=5))
    unknown = await console.ask(read_freshness, {})
    assert (unknown.as_of, unknown.behind, unknown.share) == (PAID + timedelta(minutes=5), None, None)
    ends = {("shop.orders", 0): unknown.position + 6, ("balance.items", 0): 0}
    found = await console.ask(read_freshness, ends)
    assert found.behind is not None and found.behind > 0
    assert found.share == pytest.approx(found.position / (found.position + found.behind))
