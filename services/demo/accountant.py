"""The accountant's steps: approve a new kind of document and a correction, then close each day."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from contracts.approvals import ApprovalAsked, ApprovalGiven
from contracts.closing import DayClosed
from contracts.delivery_ids import credit_note_id, refund_key, sale_id
from contracts.ledger import NO_REFUND
from services.cli.day_close import app
from services.cli.day_close.sources import query_sources
from services.cli.requests import command_header, user_name
from services.cli.screen import console
from services.console.model.days.close import close_day
from services.console.model.history import collect_facts
from services.demo.demo_run import DemoRun
from services.demo.steps import unused_orders
from services.engine.client.commands import issue
from services.engine.clock import utc_now
from services.settings.model import Settings

SHOP = "main"
say = partial(console.print, soft_wrap=True)


def accountant_settings() -> dict[str, Mapping[str, Any]]:
    """Settings for the first days: approve one document of each shape, credit cancelled orders."""
    return {"shops__main__orders": {"approve-first": 1, "after-sale": "credit"}}


async def run_approvals(stage: DemoRun, careful: Settings) -> None:
    """Place an order, approve its Sale, cancel the order, and approve the credit note."""
    await stage.services.stop()
    await stage.services.start(careful)
    order_id = unused_orders()[0]
    key = f"main:{order_id}"
    await stage.place(order_id)
    await stage.until(lambda: len(_requested_approvals(stage, sale_id(key))), 1, "approvals requested")
    await _approve(stage, _requested_approvals(stage, sale_id(key))[0])
    await stage.until(lambda: int(key in stage.ledger.sales), 1, "approved Sales")
    answer = await stage.world.shop.put(f"/wp-json/wc/v3/orders/{order_id}", json={"status": "cancelled"})
    answer.raise_for_status()
    say(f"  The buyer refuses the parcel of order {order_id}; the shop cancels the order.")
    reversal = credit_note_id(refund_key(key, NO_REFUND))
    await stage.until(lambda: len(_requested_approvals(stage, reversal)), 1, "corrections proposed")
    await _approve(stage, _requested_approvals(stage, reversal)[0])
    await stage.until(lambda: int(f"{key}:credit-note:0" in stage.ledger.notes), 1, "approved credit notes")
    await stage.wait_until_idle()


def _requested_approvals(stage: DemoRun, document: str) -> list[ApprovalAsked]:
    events = (envelope.data for envelope in stage.ledger.story)
    return [event for event in events if isinstance(event, ApprovalAsked) and event.document == document]


async def _approve(stage: DemoRun, asked: ApprovalAsked) -> None:
    say(f"  {asked.document}, {asked.total} {asked.currency}, waits for approval of {asked.shape}")
    say(f"  The accountant approves it:  davtari approve document {asked.document}")
    given = ApprovalGiven(shop=asked.shop, shape=asked.shape, document=asked.document, **command_header())
    await issue(stage.live, given, asked_by=user_name())


async def close_days(stage: DemoRun) -> list[DayClosed]:
    """Close every day that has a Sale or a credit note, oldest first, as `davtari day-close` does."""
    sales, notes = stage.ledger.sales.values(), stage.ledger.notes.values()
    dates = {sale.date for sale in sales} | {note.date for note in notes}
    return [await _close_day(stage, date) for date in sorted(dates)]


async def _close_day(stage: DemoRun, date: str) -> DayClosed:
    day, now = (SHOP, date), utc_now()
    asked = await query_sources(stage.live, collect_facts(stage.ledger.story), day, now, read=False)
    return close_day(day, asked.found, stage.live.shops[SHOP], "the demonstration", now, asked=asked.asked)


async def print_day_closes(stage: DemoRun) -> bool:
    """Print the busiest day and every day that is not green. Returns whether all days are green."""
    days = await close_days(stage)
    busiest = max(days, key=lambda day: sum(total.count for total in day.totals))
    for day in (busiest, *(day for day in days if not day.green and day is not busiest)):
        app.print_close(day, None)
    green = sum(day.green for day in days)
    console.print(f"  {green} of {len(days)} days are green.")
    return green == len(days)
