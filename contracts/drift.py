"""A shop holds something else than what was written there, and no order explains it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from contracts.model import Event, Instant, Quantity, ShopId, Uid


class StockDrifted(Event):
    """Somebody changed a stock figure in the shop by hand. `correct`: our figure is written again."""

    TYPE: ClassVar[str] = "davtari.StockDrifted.v1"
    TOPIC: ClassVar[str] = "operations"
    shop: ShopId
    item: Uid
    product_id: int
    sku: str
    ours: Quantity = Field(description="the figure that was written last")
    theirs: Quantity = Field(description="the figure that the shop holds")
    policy: Literal["correct", "announce"]
    seen_at: Instant

    @property
    def key(self) -> str:
        return f"drift:{self.shop}:{self.item}"
