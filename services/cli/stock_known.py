"""What the topics say of the stock of one shop: links, published figures, and all that a figure is computed from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from contracts.balance import ItemChanged
from contracts.catalog import AvailabilityChanged, FigureLine, LocationFigure, ProductLinked, ProductUnlinked
from contracts.drift import StockDrifted
from contracts.envelope import Envelope
from contracts.model import Event
from services.engine.state.memory import MemoryState
from services.settings.model import Settings
from services.stock_publisher.decide import figure_now
from services.stock_publisher.handlers import handlers
from services.stock_publisher.warehouse import UnknownWarehouse

NOTHING_STATED = "Balance has not stated its stock, or shops.*.stock.policy is not chosen"


@dataclass(frozen=True, slots=True)
class Computed:
    """The figure of this moment; `why` says why there is none."""

    quantity: Decimal | None = None
    explanation: tuple[FigureLine, ...] = ()
    locations: tuple[LocationFigure, ...] = ()
    stock_seen_at: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """A product's figure; `published` is None while there is none. `others` are items under the same SKU.

    `now` is the figure of this moment; `drift` what somebody has changed in the shop since the published one.
    """

    link: ProductLinked
    name: str
    published: AvailabilityChanged | None
    others: tuple[str, ...] = ()
    now: Computed | None = None
    drift: StockDrifted | None = None


@dataclass
class Known:
    """Takes in events, each partition in order, and explains figures from them."""

    shop: str
    links: dict[str, ProductLinked] = field(default_factory=dict)
    figures: dict[str, AvailabilityChanged] = field(default_factory=dict)
    drifts: dict[str, StockDrifted] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Remember an event."""
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

    def explained(self, sku: str, publisher: Publisher | None = None) -> Explained | None:
        """The figure of a SKU (or of an item's uid); None if the shop sells nothing under it."""
        found = sorted(
            (link for link in self.links.values() if sku in (link.sku, link.item)), key=lambda link: link.linked_at
        )
        if not found:
            return None
        link, others = found[-1], tuple(each.item for each in found[:-1])
        now = publisher.computed(link) if publisher else None
        name, figure = self.names.get(link.item, ""), self.figures.get(link.key)
        return Explained(link, name, figure, others, now, self._drift(link.key, figure))

    def _drift(self, key: str, figure: AvailabilityChanged | None) -> StockDrifted | None:
        drift = self.drifts.get(key)
        return drift if drift and figure and drift.seen_at > figure.published_at else None


class Publisher:
    """The rules of stock-publisher over events in memory."""

    def __init__(self, settings: Settings, at: datetime) -> None:
        self._settings, self._state = settings, MemoryState(at)
        self._remember = handlers(settings).remember
        self._seen: dict[tuple[str, str], int] = {}

    def take(self, envelope: Envelope[Event]) -> None:
        """Remember an event that is newer than what was taken of its subject."""
        slot, rule = (envelope.data.TOPIC, envelope.subject), self._remember.get(type(envelope.data))
        if rule is not None and self._seen.get(slot, 0) < envelope.sequence:
            self._seen[slot] = envelope.sequence
            rule(envelope, self._state)

    def computed(self, link: ProductLinked) -> Computed:
        """The figure of this moment."""
        try:
            found = figure_now(self._settings, link, self._state)
        except UnknownWarehouse as unknown:
            return Computed(why=unknown.detail)
        if found is None:
            return Computed(why=NOTHING_STATED)
        figure, read_at = found
        return Computed(figure.quantity, figure.explanation, figure.locations, read_at)


def explained(
    shop: str, sku: str, envelopes: Iterable[Envelope[Event]], publisher: Publisher | None = None
) -> Explained | None:
    """The figure of a SKU (or of an item's uid) in a shop; None if the shop sells nothing under it."""
    known = Known(shop)
    for envelope in envelopes:
        known.take(envelope.data)
        if publisher is not None:
            publisher.take(envelope)
    return known.explained(sku, publisher)
