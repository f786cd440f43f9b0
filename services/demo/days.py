"""Every day of the story tied to the books, as `davtari day-close` does it."""

from __future__ import annotations

from contracts.closing import DayClosed
from services.cli.day_close import app
from services.cli.day_close.close import close_day
from services.cli.day_close.facts import collect_facts
from services.cli.day_close.sources import query_sources
from services.cli.screen import console
from services.demo.stage import Stage
from services.engine.clock import utc_now

SHOP = "main"


async def closes(stage: Stage) -> list[DayClosed]:
    """The close of each day on which something was sold or given back, oldest first; the shop is asked about each."""
    sold, given_back = stage.ledger.sales.values(), stage.ledger.notes.values()
    dates = {sale.date for sale in sold} | {note.date for note in given_back}
    return [await _close(stage, date) for date in sorted(dates)]


async def _close(stage: Stage, date: str) -> DayClosed:
    day, now = (SHOP, date), utc_now()
    asked = await query_sources(stage.live, collect_facts(stage.ledger.story), day, now, read=False)
    return close_day(day, asked.found, stage.live.shops[SHOP], "the demonstration", now, asked=asked.asked)


async def tell(stage: Stage) -> bool:
    """Show the busiest day, every day that is not green, and how many are; whether all of them are."""
    days = await closes(stage)
    busiest = max(days, key=lambda day: sum(total.count for total in day.totals))
    for day in (busiest, *(day for day in days if not day.green and day is not busiest)):
        app.print_close(day, None)
    green = sum(day.green for day in days)
    console.print(f"  {green} of {len(days)} days green.")
    return green == len(days)
