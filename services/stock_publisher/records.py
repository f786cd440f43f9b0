"""What the stock publisher remembers from the topics."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from contracts.balance import ItemWithdrawn, StockChanged
from contracts.catalog import AvailabilityChanged, FigureLine, LocationFigure, ProductLinked
from contracts.model import Instant, Part, Quantity, ShopId, Uid
from services.engine.state.records import Kind
from services.stock_publisher.shop_order import ShopOrder

# The payload of a stock delivery: the figure, where it goes, and its explanation.


class StockTarget(Part):
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
    further: tuple[StockTarget, ...] = ()
    switch_on: tuple[int, ...] | None = None

    @property
    def targets(self) -> tuple[StockTarget, ...]:
        """Every product that the figure is written to."""
        return (StockTarget(product_id=self.product_id, parent_id=self.parent_id), *self.further)

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


class Claim(Part):
    """What one order holds of one product; `parent_id` and `created_via` tell whether it is a purchase of its own."""

    order_id: int
    number: str
    status: str
    product: int
    sku: str = ""
    quantity: Quantity
    accepted_at: Instant
    parent_id: int = 0
    created_via: str = ""


class BookedPieces(Part):
    """A recorded Sale: when, and how many pieces of each item."""

    recorded_at: Instant
    quantities: dict[Uid, Quantity]


class StockMoves(Part):
    """How often orders may have made the shop move a product's stock by itself."""

    count: int = Field(ge=0)


STOCK = Kind("stock", StockChanged)
"""By item."""
WITHDRAWN = Kind("withdrawn", ItemWithdrawn)
"""By item: those that left Balance's catalogue."""
LINK = Kind("link", ProductLinked)
"""By shop:item."""
ORDER = Kind("order", ShopOrder)
"""By shop:order; found by `unread_ref` while it was only seen in the shop's list."""
CLAIM = Kind("claim", Claim)
"""By shop:order:product; found by shop:product."""
SKU_CLAIM = Kind("sku-claim", Claim)
"""The same; found by the SKU of the line."""
SALE = Kind("sale", BookedPieces)
"""By shop:order."""
RESERVED = Kind("reserved", BookedPieces)
"""By shop:order: what its standing sales order keeps in Balance's reserve."""
MOVES = Kind("moves", StockMoves)
"""By shop:product, and by the SKU of products that are not linked."""
PUBLISHED = Kind("published", AvailabilityChanged)
"""By shop:item: the last figure that was announced."""


def unread_ref(shop: str) -> str:
    """How the orders of a shop are found that were not read yet."""
    return f"unread:{shop}"
