"""`davtari day-close`: tie a day of each shop to the books, and sign it; `accept` lets a difference stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from getpass import getuser
from typing import Annotated, Any

import typer

from contracts.closing import DayClosed
from services.cli import times
from services.cli.command import (
    FAILED,
    NO_ANSWER,
    DryRun,
    Json,
    OneShop,
    Shop,
    command,
    read_settings,
    select_shop,
    select_shops,
)
from services.cli.command import ReasonOption as Reason
from services.cli.day_close import shown
from services.cli.day_close.accepting import acceptance
from services.cli.day_close.close import closed
from services.cli.day_close.facts import TOPICS, Facts, gathered
from services.cli.day_close.sources import Sources, ask_sources
from services.cli.requests import command_header
from services.cli.screen import print_json
from services.engine.kafka.commands import send
from services.engine.kafka.reader import read_events
from services.engine.runtime.clock import utc_now
from services.engine.runtime.tbilisi import local_date
from services.settings import Settings

day_close_app = typer.Typer(invoke_without_command=True)
Date = Annotated[str, typer.Option("--date", help="The day in Tbilisi, as 2026-11-20; yesterday if it is left out.")]
ReadBack = Annotated[bool, typer.Option("--read-back", help="Read every document of the day from Balance too.")]


@dataclass(frozen=True, slots=True)
class Closing:
    """The close of a day, and what was asked in vain: a day of which a source did not answer is not signed."""

    close: DayClosed
    sources: Sources

    @property
    def code(self) -> int:
        """The exit code."""
        if self.sources.silent:
            return NO_ANSWER
        return 0 if self.close.green else FAILED

    def data(self) -> dict[str, Any]:
        """For `--json`."""
        return self.close.content() | {"not_asked": list(self.sources.silent)}


@day_close_app.callback()
def day_close_command(
    context: typer.Context,
    day: Date = "",
    shop: OneShop = "",
    read: ReadBack = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Compare a day in the shop, in the topics and in the books: green and signed, or each difference.

    Exit code 1: there are differences. 3: the shop, or Balance with --read-back, did not answer; nothing is signed.
    """
    if context.invoked_subcommand is None:
        _tie(day, shop, read, dry_run, json)


@day_close_app.command(name="accept")
@command
async def accept_command(
    difference: str,
    why: Reason,
    shop: Shop = "",
    day: Date = "",
    read: ReadBack = False,
    dry_run: DryRun = False,
) -> int:
    """Let a difference stand, named as the close names it (refund:1042:1051), as long as its figures stay the same."""
    chosen, now = read_settings(), utc_now()
    name, date_ = select_shop(chosen, shop), _date(day, now)
    facts = await _facts(chosen)
    closing = await _close(chosen, facts, (name, date_), now, read=read)
    given = command_header()
    accepted = acceptance(closing.close, difference, why, given["asked_by"], now, given["command_id"])
    facts.accepted[accepted.key] = accepted
    closing = Closing(_closed(chosen, facts, (name, date_), closing.sources, now), closing.sources)
    if not dry_run:
        await send(chosen.kafka, accepted, now)
        await sign(chosen, facts, closing)
    shown.show(closing.close, facts.closes.get(closing.close.key, (0, None))[1], closing.sources.silent)
    return closing.code


async def _facts(chosen: Settings) -> Facts:
    return gathered([envelope async for envelope in read_events(chosen.kafka, TOPICS)])


@command
async def _tie(day: str, shop: str, read: bool, dry_run: bool, json: bool) -> int:
    chosen, now = read_settings(), utc_now()
    shops, date_ = select_shops(chosen, shop), _date(day, now)
    facts = await _facts(chosen)
    closings = [await _close(chosen, facts, (name, date_), now, read=read) for name in shops]
    if not dry_run:
        for closing in closings:
            await sign(chosen, facts, closing)
    if json:
        print_json({"days": [closing.data() for closing in closings]})
    else:
        for closing in closings:
            shown.show(closing.close, facts.closes.get(closing.close.key, (0, None))[1], closing.sources.silent)
    return max(closing.code for closing in closings)


async def _close(chosen: Settings, facts: Facts, day: tuple[str, str], now: datetime, *, read: bool) -> Closing:
    sources = await ask_sources(chosen, facts, day, now, read=read)
    return Closing(_closed(chosen, facts, day, sources, now), sources)


def _closed(chosen: Settings, facts: Facts, day: tuple[str, str], sources: Sources, now: datetime) -> DayClosed:
    rules, asked, read = chosen.shops[day[0]], sources.asked, sources.read_back
    return closed(day, sources.found, rules, getuser(), now, asked=asked, read=read, accepted=facts.accepted)


async def sign(chosen: Settings, facts: Facts, closing: Closing) -> None:
    """Publish a close of which every source has answered; one that says the same as the last is not repeated."""
    close = closing.close
    version, last = facts.closes.get(close.key, (0, None))
    same = last is not None and _stands_for(last) == _stands_for(close)
    if not closing.sources.silent and not same:
        await send(chosen.kafka, close, close.closed_at, version + 1)


def _stands_for(close: DayClosed) -> tuple[str, bool, bool]:
    return close.digest, close.read_back, close.shop_asked


def _date(text: str, now: datetime) -> str:
    return times.parse_date(text).isoformat() if text else local_date(now - timedelta(days=1))
