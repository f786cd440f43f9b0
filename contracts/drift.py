"""A shop holds something else than what was written there, and no order explains it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from contracts.model import Event, Instant, Quantity, ShopId, Uid, Whole


class StockDrifted(Event):
    """Somebody changed a stock figure in the shop by hand, or switched stock management off for a product.

    `correct`: our figure is written again.
    """

    TYPE: ClassVar[str] = "davtari.StockDrifted.v1"
    TOPIC: ClassVar[str] = "operations"
    shop: ShopId
    item: Uid
    product_id: Whole
    sku: str
    ours: Quantity = Field(description="the figure that was written last")
    theirs: Quantity = Field(description="the figure that the shop holds; 0 where it holds none")
    policy: Literal["correct", "announce"]
    managed: bool = Field(default=True, description="false: stock management was switched off for the product")
    seen_at: Instant

    @property
    def key(self) -> str:
        return f"drift:{self.shop}:{self.item}"
