"""The sources of a close: the shop and the topics always, Balance where it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.closing import DayDifference
from services.cli.day_close.asked import entries_asked, entries_of
from services.cli.day_close.close import Asked
from services.cli.day_close.days import one_day
from services.cli.day_close.entries import Entry
from services.cli.day_close.facts import Facts
from services.cli.day_close.read_back import read_back
from services.cli.day_close.shop_now import Asking, ShopNow
from services.connectors.identity.standing import told
from services.connectors.upstreams import open_shop
from services.engine.outbox.upstream_errors import UpstreamError
from services.engine.runtime.clock import utc_now
from services.settings import Settings
from services.settings.model import ScheduleSettings

READING = timedelta(seconds=60)
"""So long reading a changed order may take, once the sweep has found it."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The entries of a day with what shop and Balance have said. `silent` says of each that did not answer why."""

    found: list[Entry]
    asked: Asked | None
    read_back: list[DayDifference] | None
    silent: tuple[str, ...]


async def ask_sources(chosen: Settings, facts: Facts, day: tuple[str, str], now: datetime, *, read: bool) -> Sources:
    """Ask the shop about a day (shop, date), lay its answer over the facts, and read the documents back."""
    rules, silent = chosen.shops[day[0]], list[str]()
    said, asked = await _said(chosen, facts, day, silent), None
    if said is None:
        found = entries_of(facts, day, rules)
    else:
        found, asked = entries_asked(said, facts, day, rules, now - unread(chosen.schedule))
    return Sources(found, asked, await _read_back(chosen, found, silent) if read else None, tuple(silent))


async def _said(chosen: Settings, facts: Facts, day: tuple[str, str], silent: list[str]) -> ShopNow | None:
    shop, date = day
    if strange := facts.strange.get(shop):
        silent.append(told(strange))
        return None
    try:
        async with open_shop(chosen, shop, utc_now) as client:
            return await Asking(shop, client, facts.of_shop(shop), one_day(date), chosen.shops[shop].orders).ask()
    except UpstreamError as error:
        silent.append(f"shop {shop} was not asked: {error.message}")
        return None


async def _read_back(chosen: Settings, found: list[Entry], silent: list[str]) -> list[DayDifference] | None:
    try:
        return await read_back(found, chosen.balance)
    except UpstreamError as error:
        silent.append(f"Balance was not asked: {error.message}")
        return None


def unread(schedule: ScheduleSettings) -> timedelta:
    """So long ago a change in the shop may be that the topics do not hold yet while all is well."""
    return timedelta(seconds=schedule.sweep) + READING
