"""What the accountant sees: a document of a new shape that waits for approval, and a parcel refused at the door."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from contracts.approvals import ApprovalAsked, ApprovalGiven
from contracts.closing import DayClosed
from contracts.delivery_ids import credit_note_id, refund_key, sale_id
from contracts.ledger import NO_REFUND
from services.cli.day_close import app
from services.cli.day_close.close import close_day
from services.cli.day_close.facts import collect_facts
from services.cli.day_close.sources import query_sources
from services.cli.requests import command_header
from services.cli.screen import console
from services.demo.demo_run import DemoRun
from services.demo.steps import unused_orders
from services.engine.client.commands import send_command
from services.engine.clock import utc_now
from services.settings.model import Settings

say = partial(console.print, soft_wrap=True)


def accountant_settings() -> dict[str, Mapping[str, Any]]:
    """The settings of a careful first day."""
    return {"shops__main__orders": {"approve-first": 1, "after-sale": "credit"}}


async def run_approvals(stage: DemoRun, careful: Settings) -> None:
    """One more order: its Sale waits, is approved, and is credited when the parcel comes back."""
    await stage.crew.stop()
    await stage.crew.start(careful)
    order_id = unused_orders()[0]
    key = f"main:{order_id}"
    await stage.place(order_id)
    await stage.until(lambda: len(_asked(stage, sale_id(key))), 1, "a question")
    await _approve(stage, _asked(stage, sale_id(key))[0])
    await stage.until(lambda: int(key in stage.ledger.sales), 1, "the approved Sale")
    answer = await stage.world.shop.put(f"/wp-json/wc/v3/orders/{order_id}", json={"status": "cancelled"})
    answer.raise_for_status()
    say(f"  The parcel of order {order_id} is refused at the door; the shop cancels the order.")
    reversal = credit_note_id(refund_key(key, NO_REFUND))
    await stage.until(lambda: len(_asked(stage, reversal)), 1, "a correction is proposed")
    await _approve(stage, _asked(stage, reversal)[0])
    await stage.until(lambda: int(f"{key}:credit-note:0" in stage.ledger.notes), 1, "the approved credit note")
    await stage.rests()


def _asked(stage: DemoRun, document: str) -> list[ApprovalAsked]:
    events = (envelope.data for envelope in stage.ledger.story)
    return [event for event in events if isinstance(event, ApprovalAsked) and event.document == document]


async def _approve(stage: DemoRun, asked: ApprovalAsked) -> None:
    say(f"  {asked.document}, {asked.total} {asked.currency}, waits: {asked.shape}")
    say(f"  The accountant looks and agrees:  davtari approve document {asked.document}")
    given = ApprovalGiven(shop=asked.shop, shape=asked.shape, document=asked.document, **command_header())
    await send_command(stage.live.kafka, given, datetime.now(UTC))


# Every day of the story tied to the books, as `davtari day-close` does it.

SHOP = "main"


async def close_days(stage: DemoRun) -> list[DayClosed]:
    """The close of each day on which something was sold or given back, oldest first; the shop is asked about each."""
    sold, given_back = stage.ledger.sales.values(), stage.ledger.notes.values()
    dates = {sale.date for sale in sold} | {note.date for note in given_back}
    return [await _close_day(stage, date) for date in sorted(dates)]


async def _close_day(stage: DemoRun, date: str) -> DayClosed:
    day, now = (SHOP, date), utc_now()
    asked = await query_sources(stage.live, collect_facts(stage.ledger.story), day, now, read=False)
    return close_day(day, asked.found, stage.live.shops[SHOP], "the demonstration", now, asked=asked.asked)


async def print_day_closes(stage: DemoRun) -> bool:
    """Show the busiest day, every day that is not green, and how many are; whether all of them are."""
    days = await close_days(stage)
    busiest = max(days, key=lambda day: sum(total.count for total in day.totals))
    for day in (busiest, *(day for day in days if not day.green and day is not busiest)):
        app.print_close(day, None)
    green = sum(day.green for day in days)
    console.print(f"  {green} of {len(days)} days green.")
    return green == len(days)
