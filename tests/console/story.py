"""What happened in a shop: orders in every state, names that want to be more than names, a refund, dead letters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from contracts.approvals import ApprovalAsked
from contracts.delivery_ids import sale_id
from contracts.model import Event
from contracts.operations import CommandSettled
from contracts.shop import OrderChanged, OrderUnreadable, Person
from tests.cli.day_events import open_dead_letter, recorded_credit_note, settled_dead_letter
from tests.console.console_bench import ConsoleBench, open_console
from tests.console.page_bench import ManualClock, PageBench, start_pages
from tests.support.exporting import (
    KEY,
    ORDER,
    PAID,
    SHOP,
    buyer,
    given_back,
    line,
    order,
    recorded_sale,
    refund,
    settings,
)

USING = settings(approve_first=1)
BOUGHT = order(line(1, "20.00", name="Cup", sku="CUP-1"), line(2, "30.00", name="ჩაიდანი", sku="POT-2"), person=buyer())
REFUND = refund("20.00", given_back(1, "20.00", quantity="1"))
MARKUP, HIDDEN = "<script>alert(1)</script>", "Nino\u202eeb\u200b"


def another(number: int, *lines: Any, **fields: Any) -> OrderChanged:
    """A further order, placed a minute later for each number."""
    at = PAID - timedelta(minutes=number % 100)
    return order(
        *(lines or (line(1, f"{number % 90 + 10}.00", name="Cup", sku="CUP-1"),)),
        order_id=number, number=str(number), created_at=at, paid_at=at, **fields,
    )  # fmt: skip


def _named(first_name: str) -> Person:
    person = buyer()
    return person.model_copy(update={"billing": person.billing.model_copy(update={"first_name": first_name})})


def list_events() -> list[Event]:
    """The events, in their order."""
    failed, closed = another(1043), another(1044)
    dead_letter = open_dead_letter(sale_id(f"main:{failed.order_id}"), f"main:{failed.order_id}")
    resolved = open_dead_letter(sale_id(f"main:{closed.order_id}"), f"main:{closed.order_id}")
    hostile = another(1045, line(1, "12.00", name=MARKUP, sku="X<b>"), person=_named(HIDDEN))
    unread = OrderUnreadable(
        shop=SHOP, order_id=7, number="7", reason="shop.order-invalid", detail="line 1 has no total", observed_at=PAID
    )
    asked = ApprovalAsked(
        shop=SHOP, document=sale_id("main:2000"), kind="sale", order_id=2000, shape="bog · 18 % · GEL",
        total=Decimal("30.00"), currency="GEL", asked_at=PAID,
    )  # fmt: skip
    return [
        BOUGHT, recorded_sale(BOUGHT, USING), REFUND, recorded_credit_note(REFUND, BOUGHT),
        failed, dead_letter, closed, resolved, settled_dead_letter(resolved, "discarded"), hostile, unread,
        another(1046, status="on-hold"), another(1047, status="cancelled"),
        *(another(number) for number in range(2000, 2070)), asked,
    ]  # fmt: skip


def answer_to(command: Any) -> CommandSettled:
    """What the exporter answers when it has carried out a command."""
    return CommandSettled(
        command_id=command.command_id, service="order-exporter", outcome="done", detail="replayed", settled_at=PAID
    )


@asynccontextmanager
async def open_pages(folder: Path, **changes: Any) -> AsyncIterator[tuple[PageBench, ConsoleBench]]:
    """The pages over a query database that knows the story, an hour after its last event."""
    clock = ManualClock(PAID + timedelta(hours=1))
    async with (
        open_console(folder, USING) as data,
        start_pages(folder, data.engine.database.read, clock=clock, **changes) as pages,
    ):
        await data.take(*list_events())
        yield pages, data


__all__ = ["BOUGHT", "HIDDEN", "KEY", "MARKUP", "ORDER", "SHOP", "another", "list_events", "open_pages"]
