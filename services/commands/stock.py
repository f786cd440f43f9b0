"""Why a shop shows this figure: the last one published for a product, line by line (claim I1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal

from contracts.balance import ItemChanged
from contracts.catalog import AvailabilityChanged, ProductLinked, ProductUnlinked
from contracts.envelope import Envelope
from contracts.model import Event
from services.commands.codes import FAILED
from services.commands.frame import Json, Shop, chosen_shop, command, settings
from services.commands.screen import as_json, console, errors, table
from services.shared.messaging.reader import read_events
from services.shared.tbilisi import TBILISI

TOPICS = ("stock.availability", "catalog.links", "balance.items")


@dataclass(frozen=True, slots=True)
class Explained:
    """A product's figure; `published` is None while there is none. `others` are items under the same SKU."""

    link: ProductLinked
    name: str
    published: AvailabilityChanged | None
    others: tuple[str, ...] = ()


def explained(shop: str, sku: str, envelopes: Iterable[Envelope[Event]]) -> Explained | None:
    """The figure of a SKU (or of an item's uid) in a shop; None if the shop sells nothing under it."""
    latest: dict[tuple[type[Event], str], Event] = {}
    for envelope in envelopes:
        latest[_kind(envelope.data), envelope.data.key] = envelope.data
    links = [each for each in latest.values() if isinstance(each, ProductLinked) and each.shop == shop]
    found = sorted((each for each in links if sku in (each.sku, each.item)), key=lambda link: link.linked_at)
    if not found:
        return None
    link, others = found[-1], tuple(each.item for each in found[:-1])
    item, figure = latest.get((ItemChanged, link.item)), latest.get((AvailabilityChanged, link.key))
    name = item.name if isinstance(item, ItemChanged) else ""
    return Explained(link, name, figure if isinstance(figure, AvailabilityChanged) else None, others)


def _kind(event: Event) -> type[Event]:
    """A link that was taken back stands in the place of the link."""
    return ProductLinked if isinstance(event, ProductUnlinked) else type(event)


def show(found: Explained) -> None:
    """The figure as a sum, one line for each thing that counts."""
    console.print(_title(found), soft_wrap=True)
    if found.published is None:
        console.print("  No figure yet: Balance has not stated its stock, or shops.*.stock.policy is not chosen.")
        return
    console.print(table(("", "", "", ""), _rows(found.published), right=(0, 1)))
    for one in found.published.locations:
        console.print(f"  location {one.place}: {one.quantity:f}")
    if found.others:
        console.print(f"  [yellow]{len(found.others)} other items had this SKU before:[/] {', '.join(found.others)}")


def _title(found: Explained) -> str:
    title = f"[bold]{found.link.sku}[/]  {found.name} · shop {found.link.shop} · product {found.link.product_id}"
    if found.published is None:
        return title
    at = f"{found.published.published_at.astimezone(TBILISI):%d %b %H:%M:%S}"
    how = "published" if found.published.mode == "live" else "would be (dry-run)"
    return f"{title} · {how} {found.published.quantity:f} at {at}"


def _rows(figure: AvailabilityChanged) -> Sequence[tuple[str, str, str, str]]:
    rows = [
        (_sign(line.quantity, first=n == 0), f"{abs(line.quantity):f}", line.label, line.source)
        for n, line in enumerate(figure.explanation)
    ]
    return [*rows, ("=", f"{figure.quantity:f}", "for sale", _read(figure))]


def _read(figure: AvailabilityChanged) -> str:
    return f"Balance was read at {figure.stock_seen_at.astimezone(TBILISI):%H:%M:%S}" if figure.stock_seen_at else ""


def _sign(quantity: Decimal, *, first: bool) -> str:
    if quantity < 0:
        return "−"
    return "" if first else "+"


@command
async def stock_command(sku: str, shop: Shop = "", json: Json = False) -> int:
    """Why a shop shows this figure for a product, line by line. SKU: or the item's uid."""
    chosen = settings()
    shop = chosen_shop(chosen, shop)
    envelopes = [envelope async for envelope in read_events(chosen.kafka, TOPICS)]
    found = explained(shop, sku, envelopes)
    if found is None:
        errors.print(f"shop {shop} sells nothing under {sku} that is linked to Balance; davtari import items")
        return FAILED
    as_json(asdict(found)) if json else show(found)
    return 0
