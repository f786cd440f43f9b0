"""The payload of a stock delivery: the figure, where it goes, and its explanation."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from contracts.catalog import AvailabilityChanged, FigureLine, LocationFigure
from contracts.model import Instant, Part, Quantity, ShopId, Uid


class StockWrite(Part):
    """An absolute figure, in steps that the shop sells, for a product, or for a variation of `parent_id`.

    `answers_reading`: it follows on a reading of Balance that no figure has followed on yet, so that its age is known.
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

    @property
    def meta(self) -> dict[str, str | None]:
        """The shop's own locations, each under its meta key (claim S0.9)."""
        key = self.location_meta_key or ""
        return {key.format(location=one.place): f"{one.quantity:f}" for one in self.locations}

    def published(self, mode: Literal["live", "dry-run"], at: datetime) -> AvailabilityChanged:
        """The event that says so."""
        told = self.model_dump(exclude={"location_meta_key", "answers_reading"})
        return AvailabilityChanged(**told, mode=mode, published_at=at)
