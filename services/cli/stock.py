"""Why a shop shows this figure: the last one published for a product, and the one of this moment, line by line (I1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from rich.markup import escape

from contracts.catalog import AvailabilityChanged, FigureLine, LocationFigure, ProductLinked
from contracts.drift import StockDrifted
from services.cli.codes import FAILED
from services.cli.frame import Json, Shop, chosen_shop, command, settings
from services.cli.screen import as_json, console, errors, table
from services.cli.stock_known import NOTHING_STATED, Computed, Explained, Known, Publisher
from services.cli.stock_known import explained as explained
from services.engine.kafka.reader import read_events
from services.engine.runtime.clock import utc_now
from services.engine.runtime.tbilisi import local_time
from services.settings.model import Settings
from services.stock_publisher.handlers import TOPICS as PUBLISHERS

TOPICS = tuple(dict.fromkeys((*PUBLISHERS, "operations")))
LONG = ("shop.orders", "ledger.documents", "operations")
"""Topics that keep everything: only what may still count for a figure is read of them."""


def as_data(found: Explained) -> dict[str, Any]:
    """For `--json`."""
    events = {"link": found.link, "published": found.published, "drift": found.drift}
    now = asdict(found.now) if found.now else None
    if now:
        now |= {name: [one.model_dump(mode="json") for one in now[name]] for name in ("explanation", "locations")}
    told = {name: event.content() if event else None for name, event in events.items()}
    return {**told, "name": found.name, "others": found.others, "now": now}


def show(found: Explained) -> None:
    """The published figure as a sum, one line for each thing that counts, and the one of this moment beside it."""
    link, published = found.link, found.published
    console.print(f"[bold]{escape(link.sku)}[/]  {escape(found.name)} · shop {link.shop} · {_products(link)}")
    if published is None:
        console.print(f"  No figure yet: {NOTHING_STATED}.")
    else:
        _show_published(published)
    if found.drift is not None:
        console.print(f"  [yellow]{_drifted(found.drift)}[/]", soft_wrap=True)
    if found.now is not None:
        _show_now(found.now, published)
    if found.others:
        console.print(f"  [yellow]{len(found.others)} other items had this SKU before:[/] {', '.join(found.others)}")


def _products(link: ProductLinked) -> str:
    return ("product " if len(link.product_ids) == 1 else "products ") + ", ".join(map(str, link.product_ids))


def _show_published(published: AvailabilityChanged) -> None:
    how = "published" if published.mode == "live" else "would be (dry-run)"
    console.print(f"{how} {published.quantity:f} at {_time(published.published_at)}", soft_wrap=True)
    _show_lines(published.explanation, published.quantity, published.stock_seen_at, published.locations)
    if published.not_managed:
        products = ", ".join(map(str, published.not_managed))
        told = f'"Manage stock" is off for product {products} in the shop: it shows no figure there (stock.manage)'
        console.print(f"  [yellow]{told}[/]", soft_wrap=True)


def _drifted(drift: StockDrifted) -> str:
    what = f"the figure was changed to {drift.theirs:f} by hand" if drift.managed else '"Manage stock" was switched off'
    then = "ours is written again" if drift.policy == "correct" else "kept so"
    return f"{what} in the shop, seen at {_time(drift.seen_at)}: {then}"


def _show_now(now: Computed, published: AvailabilityChanged | None) -> None:
    if now.quantity is None:
        console.print(f"now: none, {escape(now.why)}", soft_wrap=True)
    elif published is not None and (now.quantity, now.explanation) == (published.quantity, published.explanation):
        console.print(f"now {now.quantity:f}, the same · {_read(now.stock_seen_at)}", soft_wrap=True)
    else:
        console.print(f"now {now.quantity:f}", soft_wrap=True)
        _show_lines(now.explanation, now.quantity, now.stock_seen_at, now.locations)


def _show_lines(
    lines: Sequence[FigureLine], quantity: Decimal, read_at: datetime | None, locations: Sequence[LocationFigure]
) -> None:
    rows = [
        (_sign(line.quantity, first=n == 0), f"{abs(line.quantity):f}", line.label, escape(line.source))
        for n, line in enumerate(lines)
    ]
    console.print(table(("", "", "", ""), [*rows, ("=", f"{quantity:f}", "for sale", _read(read_at))], right=(0, 1)))
    for one in locations:
        console.print(f"  location {one.place}: {one.quantity:f}")


def _read(at: datetime | None) -> str:
    return f"Balance was read at {_time(at)}" if at else ""


def _time(at: datetime) -> str:
    return local_time(at, seconds=True)


def _sign(quantity: Decimal, *, first: bool) -> str:
    if quantity < 0:
        return "−"
    return "" if first else "+"


async def looked_up(chosen: Settings, shop: str, sku: str, now: datetime) -> Explained | None:
    """The figure of a SKU in a shop from the topics; of orders only those that may still count are read."""
    days = max(rules.stock.in_flight_days for rules in chosen.shops.values())
    since = dict.fromkeys(LONG, now - timedelta(days=days + 1))
    known, publisher = Known(shop), Publisher(chosen, now)
    async for envelope in read_events(chosen.kafka, TOPICS, since=since):
        known.take(envelope.data)
        publisher.take(envelope)
    return known.explained(sku, publisher)


@command
async def stock_command(sku: str, shop: Shop = "", json: Json = False) -> int:
    """Why a shop shows this figure for a product, line by line, beside the figure of now. SKU: or the item's uid."""
    chosen = settings()
    name = chosen_shop(chosen, shop)
    found = await looked_up(chosen, name, sku, utc_now())
    if found is None:
        errors.print(f"shop {name} sells nothing under {sku} that is linked to Balance; davtari import items")
        return FAILED
    as_json(as_data(found)) if json else show(found)
    return 0
