"""`davtari stock`: explains the last published stock figure of a product, and the current one, line by line (I1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from contracts.balance import ItemChanged
from contracts.catalog import AvailabilityChanged, FigureLine, LocationFigure, ProductLinked, ProductUnlinked
from contracts.drift import StockDrifted
from contracts.envelope import Envelope
from contracts.model import Event
from services.cli.command import FAILED, Json, Shop, command, read_settings, select_shop
from services.cli.screen import build_table, compose, console, errors, print_json, styled
from services.engine.client.reader import read_events
from services.engine.clock import local_time, utc_now
from services.engine.state.records import MemoryState
from services.settings.model import Settings
from services.stock_publisher.decide import compute_current_figure
from services.stock_publisher.handlers import TOPICS as PUBLISHER_TOPICS
from services.stock_publisher.handlers import handlers
from services.stock_publisher.position import UnknownWarehouse

NO_STOCK = "Balance has reported no stock, or shops.*.stock.policy is not set"


@dataclass(frozen=True, slots=True)
class ComputedFigure:
    """The current figure; `why` states why there is none."""

    quantity: Decimal | None = None
    explanation: tuple[FigureLine, ...] = ()
    locations: tuple[LocationFigure, ...] = ()
    stock_seen_at: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class ExplainedFigure:
    """The figure of a product. `published` is None until one is published; `others` are items with the same SKU.

    `now` is the current figure; `drift` is a change made in the shop after publication.
    """

    link: ProductLinked
    name: str
    published: AvailabilityChanged | None
    others: tuple[str, ...] = ()
    now: ComputedFigure | None = None
    drift: StockDrifted | None = None


@dataclass
class StockEvents:
    """Collects the events of one shop, each partition in order, and explains figures."""

    shop: str
    links: dict[str, ProductLinked] = field(default_factory=dict)
    figures: dict[str, AvailabilityChanged] = field(default_factory=dict)
    drifts: dict[str, StockDrifted] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Store an event."""
        match event:
            case ItemChanged():
                self.names[event.item] = event.name
            case ProductLinked() if event.shop == self.shop:
                self.links[event.key] = event
            case ProductUnlinked() if event.shop == self.shop:
                self.links.pop(event.key, None)
            case AvailabilityChanged() if event.shop == self.shop:
                self.figures[event.key] = event
            case StockDrifted() if event.shop == self.shop:
                self.drifts[f"{event.shop}:{event.item}"] = event

    def explain(self, sku: str, calculator: FigureCalculator | None = None) -> ExplainedFigure | None:
        """Explain the figure of a SKU or item uid; None if the shop sells nothing under it."""
        found = sorted(
            (link for link in self.links.values() if sku in (link.sku, link.item)), key=lambda link: link.linked_at
        )
        if not found:
            return None
        link, others = found[-1], tuple(each.item for each in found[:-1])
        now = calculator.compute(link) if calculator else None
        name, figure = self.names.get(link.item, ""), self.figures.get(link.key)
        return ExplainedFigure(link, name, figure, others, now, self._drift(link.key, figure))

    def _drift(self, key: str, figure: AvailabilityChanged | None) -> StockDrifted | None:
        drift = self.drifts.get(key)
        return drift if drift and figure and drift.seen_at > figure.published_at else None


class FigureCalculator:
    """Runs the rules of stock-publisher on events in memory."""

    def __init__(self, settings: Settings, at: datetime) -> None:
        self._settings, self._state = settings, MemoryState(at)
        self._remember = handlers(settings).remember
        self._seen: dict[tuple[str, str], int] = {}

    def take(self, envelope: Envelope[Event]) -> None:
        """Store an event if it is newer than the last one of its subject."""
        slot, rule = (envelope.data.TOPIC, envelope.subject), self._remember.get(type(envelope.data))
        if rule is not None and self._seen.get(slot, 0) < envelope.sequence:
            self._seen[slot] = envelope.sequence
            rule(envelope, self._state)

    def compute(self, link: ProductLinked) -> ComputedFigure:
        """Compute the current figure."""
        try:
            found = compute_current_figure(self._settings, link, self._state)
        except UnknownWarehouse as unknown:
            return ComputedFigure(why=unknown.detail)
        if found is None:
            return ComputedFigure(why=NO_STOCK)
        figure, read_at = found
        return ComputedFigure(figure.quantity, figure.explanation, figure.locations, read_at)


def explain_figure(
    shop: str, sku: str, envelopes: Iterable[Envelope[Event]], calculator: FigureCalculator | None = None
) -> ExplainedFigure | None:
    """Explain the figure of a SKU or item uid in a shop; None if the shop sells nothing under it."""
    known = StockEvents(shop)
    for envelope in envelopes:
        known.take(envelope.data)
        if calculator is not None:
            calculator.take(envelope)
    return known.explain(sku, calculator)


TOPICS = tuple(dict.fromkeys((*PUBLISHER_TOPICS, "operations")))
UNCOMPACTED_TOPICS = ("shop.orders", "ledger.documents", "operations")
"""Topics that keep all events; only those that can still affect a figure are read."""


def figure_to_data(found: ExplainedFigure) -> dict[str, Any]:
    """For `--json`."""
    events = {"link": found.link, "published": found.published, "drift": found.drift}
    now = asdict(found.now) if found.now else None
    if now:
        now |= {name: [one.model_dump(mode="json") for one in now[name]] for name in ("explanation", "locations")}
    contents = {name: event.content() if event else None for name, event in events.items()}
    return {**contents, "name": found.name, "others": found.others, "now": now}


def show_figure(found: ExplainedFigure) -> None:
    """Print the published figure as a sum, one line per component, and the current figure."""
    link, published = found.link, found.published
    console.print(compose(styled(link.sku, "bold"), f"  {found.name} · shop {link.shop} · {_products(link)}"))
    if published is None:
        console.print(f"  No figure yet: {NO_STOCK}.")
    else:
        _show_published(published)
    if found.drift is not None:
        console.print(compose("  ", styled(_describe_drift(found.drift), "yellow")), soft_wrap=True)
    if found.now is not None:
        _show_now(found.now, published)
    if found.others:
        console.print(
            compose(
                "  ",
                styled(f"{len(found.others)} other items had this SKU earlier:", "yellow"),
                f" {', '.join(found.others)}",
            )
        )


def _products(link: ProductLinked) -> str:
    return ("product " if len(link.product_ids) == 1 else "products ") + ", ".join(map(str, link.product_ids))


def _show_published(published: AvailabilityChanged) -> None:
    how = "published" if published.mode == "live" else "would be (dry-run)"
    console.print(f"{how} {published.quantity:f} at {_time(published.published_at)}", soft_wrap=True)
    _show_lines(published.explanation, published.quantity, published.stock_seen_at, published.locations)
    if published.not_managed:
        products = ", ".join(map(str, published.not_managed))
        note = f'"Manage stock" is off for product {products}, so the shop shows no figure (stock.manage)'
        console.print(compose("  ", styled(note, "yellow")), soft_wrap=True)


def _describe_drift(drift: StockDrifted) -> str:
    what = f"the figure was changed to {drift.theirs:f} by hand" if drift.managed else '"Manage stock" was switched off'
    then = "it will be corrected" if drift.policy == "correct" else "it is kept"
    return f"{what} in the shop, seen at {_time(drift.seen_at)}; {then}"


def _show_now(now: ComputedFigure, published: AvailabilityChanged | None) -> None:
    if now.quantity is None:
        console.print(f"now: none; {now.why}", soft_wrap=True)
    elif published is not None and (now.quantity, now.explanation) == (published.quantity, published.explanation):
        console.print(f"now {now.quantity:f}, the same · {_read(now.stock_seen_at)}", soft_wrap=True)
    else:
        console.print(f"now {now.quantity:f}", soft_wrap=True)
        _show_lines(now.explanation, now.quantity, now.stock_seen_at, now.locations)


def _show_lines(
    lines: Sequence[FigureLine], quantity: Decimal, read_at: datetime | None, locations: Sequence[LocationFigure]
) -> None:
    rows = [
        (_sign(line.quantity, first=n == 0), f"{abs(line.quantity):f}", line.label, line.source)
        for n, line in enumerate(lines)
    ]
    console.print(
        build_table(("", "", "", ""), [*rows, ("=", f"{quantity:f}", "for sale", _read(read_at))], right=(0, 1))
    )
    for one in locations:
        console.print(f"  location {one.place}: {one.quantity:f}")


def _read(at: datetime | None) -> str:
    return f"Balance read at {_time(at)}" if at else ""


def _time(at: datetime) -> str:
    return local_time(at, seconds=True)


def _sign(quantity: Decimal, *, first: bool) -> str:
    if quantity < 0:
        return "−"
    return "" if first else "+"


async def find_figure(chosen: Settings, shop: str, sku: str, now: datetime) -> ExplainedFigure | None:
    """Read the topics and explain a figure; of orders, only those that can still affect it are read."""
    days = max(rules.stock.in_flight_days for rules in chosen.shops.values())
    since = dict.fromkeys(UNCOMPACTED_TOPICS, now - timedelta(days=days + 1))
    known, calculator = StockEvents(shop), FigureCalculator(chosen, now)
    async for envelope in read_events(chosen, TOPICS, since=since):
        known.take(envelope.data)
        calculator.take(envelope)
    return known.explain(sku, calculator)


@command
async def stock_command(sku: str, shop: Shop = "", json: Json = False) -> int:
    """Explain the stock figure of a product (SKU or item uid) line by line."""
    chosen = read_settings()
    name = select_shop(chosen, shop)
    found = await find_figure(chosen, name, sku, utc_now())
    if found is None:
        errors.print(f"Shop {name} has no product {sku} that is linked to Balance. If it is new: davtari import items")
        return FAILED
    print_json(figure_to_data(found)) if json else show_figure(found)
    return 0
