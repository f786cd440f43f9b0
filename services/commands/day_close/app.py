"""`davtari day-close`: tie a day of each shop to the books, and sign it; `accept` lets a difference stand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from getpass import getuser
from typing import Annotated

import typer

from contracts.closing import DayClosed
from services.commands import moment
from services.commands.ask import stamp
from services.commands.codes import FAILED
from services.commands.day_close import shown
from services.commands.day_close.accepting import acceptance
from services.commands.day_close.close import closed
from services.commands.day_close.entries import Entry, entries
from services.commands.day_close.facts import TOPICS, Facts, gathered
from services.commands.day_close.read_back import read_back
from services.commands.frame import DryRun, Json, command, settings
from services.commands.screen import as_json
from services.shared.messaging.commands import send
from services.shared.messaging.reader import read_events
from services.shared.settings import Settings, SettingsError
from services.shared.tbilisi import local_date

day_close_app = typer.Typer(invoke_without_command=True)
Date = Annotated[str, typer.Option("--date", help="The day in Tbilisi, as 2026-11-20; yesterday if it is left out.")]
Shop = Annotated[str, typer.Option("--shop", help="This shop alone.")]
ReadBack = Annotated[bool, typer.Option("--read-back", help="Read every document of the day from Balance too.")]
Reason = Annotated[str, typer.Option("--reason", help="Why it may stand; kept with your name.")]


@day_close_app.callback()
def day_close_command(
    context: typer.Context,
    day: Date = "",
    shop: Shop = "",
    read: ReadBack = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Tie the orders, refunds and payments of a day to their documents: green and signed, or each difference."""
    if context.invoked_subcommand is None:
        _tie(day, shop, read, dry_run, json)


@day_close_app.command(name="accept")
@command
async def accept_command(
    shop: Annotated[str, typer.Argument()],
    difference: str,
    why: Reason,
    day: Date = "",
    read: ReadBack = False,
    dry_run: DryRun = False,
) -> int:
    """Let a difference stand, named as the close names it (refund:1042:1051), as long as its figures stay the same."""
    chosen, now = settings(), datetime.now(UTC)
    [name], date_ = _shops(chosen, shop), _date(day, now)
    facts = await _facts(chosen)
    given = stamp()
    accepted = acceptance(
        await _close(chosen, facts, name, date_, now, read=read),
        difference,
        why,
        given["asked_by"],
        now,
        given["command_id"],
    )
    facts.accepted[accepted.key] = accepted
    close = await _close(chosen, facts, name, date_, now, read=read)
    if not dry_run:
        await send(chosen.kafka, accepted, now)
        await sign(chosen, facts, close)
    shown.show(close, facts.closes.get(close.key, (0, None))[1])
    return 0 if close.green else FAILED


async def _facts(chosen: Settings) -> Facts:
    return gathered([envelope async for envelope in read_events(chosen.kafka, TOPICS)])


@command
async def _tie(day: str, shop: str, read: bool, dry_run: bool, json: bool) -> int:
    chosen, now = settings(), datetime.now(UTC)
    shops, date_ = _shops(chosen, shop), _date(day, now)
    facts = await _facts(chosen)
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
    receipts = None if rules.flows.payments == "off" else rules.payments
    found: list[Entry] = entries(facts.of_shop(shop), rules.orders, day, receipts)
    looked = await read_back(found, chosen.balance) if read else None
    return closed((shop, day), found, rules, getuser(), now, read=looked, accepted=facts.accepted)


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
    return moment.day(text).isoformat() if text else local_date(now - timedelta(days=1))
