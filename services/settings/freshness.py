"""How old what we know may be, and how soon a paid order is to be in Balance (seconds)."""

from __future__ import annotations

from pydantic import Field

from services.settings.base import Section


class FreshnessSettings(Section):
    """Limits of the feeds, which fit the default schedule, and the objective for paid orders (claim I9)."""

    items: float = Field(default=3 * 3600.0, gt=0, description="since items were last read whole until that is told")
    prices: float = Field(default=3600.0, gt=0)
    stock: float = Field(default=900.0, gt=0)
    orders: float = Field(default=900.0, gt=0, description="since a shop was last swept to the end")
    sale_within: float = Field(default=300.0, gt=0, description="a paid order has its Sale so soon …")
    sale_share: float = Field(default=0.999, gt=0, le=1, description="… in this share of cases …")
    sale_days: int = Field(default=30, ge=1, description="… over so many days")

    def limit(self, feed: str) -> float:
        """The limit of a feed: `items`, `prices`, `stock`, or `orders:<shop>`."""
        limits = {"items": self.items, "prices": self.prices, "stock": self.stock}
        return limits.get(feed, self.orders)
