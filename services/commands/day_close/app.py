"""`davtari day-close`: tie a day of each shop to the books, and sign it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from getpass import getuser
from typing import Annotated

import typer

from contracts.closing import DayClosed
from services.commands.codes import FAILED
from services.commands.day_close import shown
from services.commands.day_close.close import closed
from services.commands.day_close.entries import Entry, entries
from services.commands.day_close.facts import TOPICS, Facts, gathered
from services.commands.day_close.read_back import read_back
from services.commands.frame import DryRun, Json, command, settings
from services.commands.screen import as_json
from services.shared.documents.written import local_date
from services.shared.messaging.commands import send
from services.shared.messaging.reader import read_events
from services.shared.settings import Settings, SettingsError

Date = Annotated[str, typer.Option("--date", help="The day in Tbilisi, as 2026-11-20; yesterday if it is left out.")]
Shop = Annotated[str, typer.Option("--shop", help="This shop alone.")]
ReadBack = Annotated[bool, typer.Option("--read-back", help="Read every document of the day from Balance too.")]


@command
async def day_close_command(
    day: Date = "", shop: Shop = "", read: ReadBack = False, dry_run: DryRun = False, json: Json = False
) -> int:
    """Tie the orders and refunds of a day to their documents by VAT rate: green and signed, or each difference."""
    chosen, now = settings(), datetime.now(UTC)
    shops, date_ = _shops(chosen, shop), _date(day, now)
    facts = gathered([envelope async for envelope in read_events(chosen.kafka, TOPICS)])
    closes = [await _close(chosen, facts, name, date_, now, read=read) for name in shops]
    if not dry_run:
        for close in closes:
            await sign(chosen, facts, close)
    if json:
        as_json({"days": [close.content() for close in closes]})
    else:
        for close in closes:
            shown.show(close, facts.closes.get(close.key, (0, None))[1])
    return 0 if all(close.green for close in closes) else FAILED


async def _close(chosen: Settings, facts: Facts, shop: str, day: str, now: datetime, *, read: bool) -> DayClosed:
    rules = chosen.shops[shop]
    found: list[Entry] = entries(facts.of_shop(shop), rules.orders, day)
    looked = await read_back(found, chosen.balance) if read else None
    return closed((shop, day), found, rules, getuser(), now, read=looked)


async def sign(chosen: Settings, facts: Facts, close: DayClosed) -> None:
    """Publish the close; one that says the same as the last of its day is not said again."""
    version, last = facts.closes.get(close.key, (0, None))
    if last is None or (last.digest, last.read_back) != (close.digest, close.read_back):
        await send(chosen.kafka, close, close.closed_at, version + 1)


def _shops(chosen: Settings, shop: str) -> list[str]:
    if shop and shop not in chosen.shops:
        raise SettingsError(f"the settings name no shop {shop!r}, only {', '.join(chosen.shops)}")
    return [shop] if shop else list(chosen.shops)


def _date(text: str, now: datetime) -> str:
    try:
        return date.fromisoformat(text).isoformat() if text else local_date(now - timedelta(days=1))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day; write 2026-11-20", param_hint="--date") from None
