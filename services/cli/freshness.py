"""The age of the feeds' data, and whether paid orders reach Balance in time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Select
from sqlalchemy.dialects import sqlite

from services.cli.screen import Text, compose, styled
from services.engine.state.files import database_path
from services.engine.telemetry.state_readings import COMPLETION_PREFIX
from services.order_exporter.projection import SERVICE
from services.order_exporter.readings import orders_on_time, untouched_orders
from services.settings.model import Settings

FEEDS = ("balance-feed", "store-feed")
_COMPLETE = "SELECT name, value FROM meta WHERE name LIKE ? ORDER BY name"


@dataclass(frozen=True, slots=True)
class FeedAge:
    """The seconds since a feed was last read completely; `stale` if that is too long."""

    feed: str
    age: float
    stale: bool


@dataclass(frozen=True, slots=True)
class UntouchedOrders:
    """The orders of a shop, and those exported without a person (claim S4.5)."""

    shop: str
    orders: int
    untouched: int
    days: int

    @property
    def share(self) -> float | None:
        """The share that needed no person; None without orders."""
        return self.untouched / self.orders if self.orders else None


@dataclass(frozen=True, slots=True)
class SaleTimeliness:
    """The orders of a shop that became due in the last `days`, and those with a Sale in time."""

    shop: str
    due: int
    on_time: int
    within: float
    days: int
    objective: float

    @property
    def share(self) -> float | None:
        """The share in time; None if no order was due."""
        return self.on_time / self.due if self.due else None

    @property
    def met(self) -> bool:
        """Whether the objective is met."""
        return self.share is None or self.share >= self.objective


def read_feed_ages(settings: Settings, now: datetime) -> list[FeedAge]:
    """Read the age of every feed that was completed at least once, from the state databases on this machine."""
    return [age for service in FEEDS for age in _ages(settings, _file(settings, service), now)]


def read_sale_timeliness(settings: Settings, now: datetime) -> list[SaleTimeliness]:
    """Read how many Sales were in time, for shops with live orders, from order-exporter's state database."""
    live = [name for name, shop in settings.shops.items() if shop.flows.orders == "live"]
    path, rule = _file(settings, SERVICE), settings.freshness
    if not path.exists():
        return []
    with closing(_open(path)) as db:
        counts = {shop: (due, on_time) for shop, due, on_time in db.execute(_literal(orders_on_time(rule, now)))}
    found = {shop: counts.get(shop, (0, 0)) for shop in live}
    return [SaleTimeliness(shop, *found[shop], rule.sale_within, rule.sale_days, rule.sale_share) for shop in live]


def read_untouched_orders(settings: Settings, now: datetime) -> list[UntouchedOrders]:
    """Read how many orders needed no person, for shops with live orders, from order-exporter's state database."""
    live = [name for name, shop in settings.shops.items() if shop.flows.orders == "live"]
    path, rule = _file(settings, SERVICE), settings.freshness
    if not path.exists():
        return []
    with closing(_open(path)) as db:
        query = _literal(untouched_orders(rule, now))
        counts = {shop: (orders, free) for shop, orders, free in db.execute(query)}
    return [UntouchedOrders(shop, *counts.get(shop, (0, 0)), rule.sale_days) for shop in live]


def _ages(settings: Settings, path: Path, now: datetime) -> Iterator[FeedAge]:
    if path.exists():
        with closing(_open(path)) as db:
            for name, at in db.execute(_COMPLETE, (COMPLETION_PREFIX + "%",)):
                feed, age = name.removeprefix(COMPLETION_PREFIX), (now - datetime.fromisoformat(at)).total_seconds()
                yield FeedAge(feed, max(0.0, age), age > settings.freshness.limit(feed))


def _literal(query: Select[Any]) -> str:
    return str(query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))


def _file(settings: Settings, service: str) -> Path:
    return database_path(settings.state.directory, service)


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def freshness_lines(
    ages: Sequence[FeedAge], punctual: Sequence[SaleTimeliness], alone: Sequence[UntouchedOrders] = ()
) -> Iterator[str | Text]:
    """One line for all feeds, and two for the paid orders of each shop, with colours."""
    if ages:
        feeds = [styled(f"{one.feed} {_span(one.age)} ago", "red" if one.stale else "default") for one in ages]
        yield compose("Last complete read: ", styled(" · ").join(feeds))
    yield from map(_punctuality, punctual)
    yield from (_alone(one) for one in alone if one.orders)


def _punctuality(one: SaleTimeliness) -> str | Text:
    about = f"Paid orders of {one.shop}, {one.days} days: "
    if one.share is None:
        return about + "none was due"
    colour = "green" if one.met else "red"
    within = f"{one.on_time:,} of {one.due:,} in Balance within {_span(one.within)}"
    return compose(f"{about}{within}, ", styled(f"{one.share:.2%}", colour), f" (objective {one.objective:.1%})")


def _alone(one: UntouchedOrders) -> str:
    return f"Without a person: {one.untouched:,} of {one.orders:,} orders of {one.shop}, {one.share:.2%}"


def _span(seconds: float) -> str:
    """Format a duration in its largest unit: 40 s, 5 min, 3 h, 2 days."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
