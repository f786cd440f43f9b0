"""The payload of a stock delivery: the figure, where it goes, and its explanation."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from contracts.catalog import AvailabilityChanged, FigureLine
from contracts.model import Instant, Part, ShopId, Uid


class StockWrite(Part):
    """An absolute figure in whole pieces for a product, or for a variation of `parent_id`."""

    shop: ShopId
    item: Uid
    product_id: int
    parent_id: int = 0
    sku: str
    quantity: int = Field(ge=0)
    explanation: tuple[FigureLine, ...]
    stock_seen_at: Instant
    shop_moves: int = 0

    def published(self, mode: Literal["live", "dry-run"], at: datetime) -> AvailabilityChanged:
        """The event that says so."""
        return AvailabilityChanged(**self.model_dump(), mode=mode, published_at=at)
