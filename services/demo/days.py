"""Every day of the story tied to the books, as `davtari day-close` does it."""

from __future__ import annotations

from datetime import UTC, datetime

from contracts.closing import DayClosed
from services.commands.day_close import shown
from services.commands.day_close.close import closed
from services.commands.day_close.entries import entries
from services.commands.day_close.facts import gathered
from services.commands.screen import console
from services.demo.stage import Stage

SHOP = "main"


def closes(stage: Stage) -> list[DayClosed]:
    """The close of each day on which something was sold or given back, oldest first."""
    stories, rules = gathered(stage.ledger.story).of_shop(SHOP), stage.live.shops[SHOP]
    sold, given_back = stage.ledger.sales.values(), stage.ledger.notes.values()
    now = datetime.now(UTC)
    return [
        closed((SHOP, date), entries(stories, rules.orders, date), rules, "the demonstration", now)
        for date in sorted({sale.date for sale in sold} | {note.date for note in given_back})
    ]


def tell(stage: Stage) -> bool:
    """Show the busiest day, every day that is not green, and how many are; whether all of them are."""
    days = closes(stage)
    busiest = max(days, key=lambda day: sum(total.count for total in day.totals))
    for day in (busiest, *(day for day in days if not day.green and day is not busiest)):
        shown.show(day, None)
    green = sum(day.green for day in days)
    console.print(f"  {green} of {len(days)} days green.")
    return green == len(days)
