"""The payload of a stock delivery: the figure, where it goes, and its explanation."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from contracts.catalog import AvailabilityChanged, FigureLine, LocationFigure
from contracts.model import Instant, Part, Quantity, ShopId, Uid


class Target(Part):
    """A product, or a variation of `parent_id`, that a figure is written to."""

    product_id: int
    parent_id: int = 0


class StockWrite(Part):
    """An absolute figure, in steps that the shop sells, for a product, or for a variation of `parent_id`.

    `further`: the item's other products (translations), which get the same figure. `switch_on`: the products for which
    stock management is switched on with it, all where it names none. `answers_reading`: it follows on a reading of
    Balance that no figure has followed on yet, so that its age is known.
    """

    shop: ShopId
    item: Uid
    product_id: int
    parent_id: int = 0
    sku: str
    quantity: Quantity = Field(ge=0)
    explanation: tuple[FigureLine, ...]
    locations: tuple[LocationFigure, ...] = ()
    location_meta_key: str | None = None
    stock_seen_at: Instant
    answers_reading: bool = True
    shop_moves: int = 0
    further: tuple[Target, ...] = ()
    switch_on: tuple[int, ...] | None = None

    @property
    def targets(self) -> tuple[Target, ...]:
        """Every product that the figure is written to."""
        return (Target(product_id=self.product_id, parent_id=self.parent_id), *self.further)

    @property
    def meta(self) -> dict[str, str | None]:
        """The shop's own locations, each under its meta key (claim S0.9)."""
        key = self.location_meta_key or ""
        return {key.format(location=one.place): f"{one.quantity:f}" for one in self.locations}

    def published(
        self, mode: Literal["live", "dry-run"], at: datetime, not_managed: tuple[int, ...] = ()
    ) -> AvailabilityChanged:
        """The event that says so."""
        told = self.model_dump(exclude={"location_meta_key", "answers_reading", "further", "switch_on"})
        further = tuple(one.product_id for one in self.further)
        more = {"further_products": further, "not_managed": not_managed}
        return AvailabilityChanged(**told, **more, mode=mode, published_at=at)
