"""Edits made in the shop that stay there, as the ownership of their fields wants it (claim K21)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.markup import escape

from contracts.catalog import ProductLinked, ProductUnlinked
from contracts.envelope import Envelope
from contracts.model import Event
from services.commands.screen import console, table

TOPICS = ("catalog.links",)
HEADS = ("SKU", "product", "field", "in the shop", "in Balance")


@dataclass(frozen=True, slots=True)
class Drift:
    """A field that stays as somebody has edited it in the shop."""

    sku: str
    product_id: int
    field: str
    in_shop: str
    in_balance: str

    @property
    def row(self) -> tuple[str, ...]:
        """As a line of a table."""
        return self.sku, str(self.product_id), self.field, self.in_shop, self.in_balance


def drift(shop: str, envelopes: Iterable[Envelope[Event]]) -> list[Drift]:
    """The kept edits of a shop as they were found at the last write of each product, by SKU."""
    links: dict[str, ProductLinked] = {}
    for event in (envelope.data for envelope in envelopes):
        match event:
            case ProductLinked() if event.shop == shop:
                links[event.item] = event
            case ProductUnlinked() if event.shop == shop:
                links.pop(event.item, None)
    ordered = sorted(links.values(), key=lambda link: (link.sku, link.item))
    return [
        Drift(link.sku, link.product_id, edit.field, edit.in_shop, edit.in_balance)
        for link in ordered
        for edit in link.kept
    ]


def show(shop: str, found: list[Drift]) -> None:
    """The kept edits, and what decides about them."""
    console.print(f"[bold]{len(found)} edits made in shop {shop} stay there[/], where Balance says otherwise")
    if found:
        console.print(table(HEADS, [[escape(cell or "–") for cell in one.row] for one in found]))
        console.print(f"  Who owns a field: shops.{shop}.fields; davtari sync-matrix shows it")
