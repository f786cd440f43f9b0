"""What the stock publisher remembers from the topics, and the payload of its deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from contracts.balance import ItemWithdrawn, StockChanged
from contracts.catalog import AvailabilityChanged, FigureLine, LocationFigure, ProductLinked
from contracts.model import Instant, Part, Quantity, ShopId, Uid
from services.engine.state.records import Kind
from services.stock_publisher.shop_order import ShopOrder


class StockTarget(Part):
    """A product, or a variation of `parent_id`, that a figure is written to."""

    product_id: int
    parent_id: int = 0


class StockWrite(Part):
    """The payload of a stock delivery: an absolute figure for a product, or for a variation of `parent_id`.

    `further`: the item's other products (translations), which get the same figure. `switch_on`: the products whose
    stock management it switches on; None means all. `answers_reading`: it is the first figure after a reading of
    Balance, so that its age can be measured.
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
        """The quantity of each of the shop's locations, by meta key (claim S0.9)."""
        key = self.location_meta_key or ""
        return {key.format(location=one.place): f"{one.quantity:f}" for one in self.locations}

    def published(
        self, mode: Literal["live", "dry-run"], at: datetime, not_managed: tuple[int, ...] = ()
    ) -> AvailabilityChanged:
        """Return the event that announces the figure; `not_managed` are the products that do not manage stock."""
        fields = self.model_dump(exclude={"location_meta_key", "answers_reading", "further", "switch_on"})
        further = tuple(target.product_id for target in self.further)
        more = {"further_products": further, "not_managed": not_managed}
        return AvailabilityChanged(**fields, **more, mode=mode, published_at=at)


class Claim(Part):
    """What one order holds of one product; `parent_id` and `created_via` show whether it is a purchase of its own."""

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
    """The pieces of each item in a Sale or a sales order, and when it was recorded."""

    recorded_at: Instant
    quantities: dict[Uid, Quantity]


class StockMoves(Part):
    """How often orders may have made the shop change a product's stock by itself."""

    count: int = Field(ge=0)


class SkuMoves(Part):
    """The same for lines with a SKU; `product` is 0 if they have no product id."""

    product: int
    count: int = Field(ge=0)


STOCK = Kind("stock", StockChanged)
"""By item."""
WITHDRAWN = Kind("withdrawn", ItemWithdrawn)
"""By item, for items that left Balance's catalogue."""
LINK = Kind("link", ProductLinked)
"""By shop:item."""
ORDER = Kind("order", ShopOrder)
"""By shop:order; found by `unread_ref` while it is only known from the shop's list."""
CLAIM = Kind("claim", Claim)
"""By shop:order:product; found by shop:product."""
SKU_CLAIM = Kind("sku-claim", Claim)
"""The same; found by the SKU of the line."""
SALE = Kind("sale", BookedPieces)
"""By shop:order."""
RESERVED = Kind("reserved", BookedPieces)
"""By shop:order: what its open sales order reserves in Balance."""
MOVES = Kind("moves", StockMoves)
"""By shop:product."""
SKU_MOVES = Kind("sku-moves", SkuMoves)
"""By SKU and product of a shop; found by the SKU."""
PUBLISHED = Kind("published", AvailabilityChanged)
"""By shop:item: the last figure published."""


def unread_ref(shop: str) -> str:
    """Return the reference of the shop's orders that store-feed has not read yet."""
    return f"unread:{shop}"
