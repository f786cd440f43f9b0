"""What the stock publisher remembers from the topics."""

from __future__ import annotations

from pydantic import Field

from contracts.balance import ItemWithdrawn, StockChanged
from contracts.catalog import AvailabilityChanged, ProductLinked
from contracts.model import Part
from services.engine.state.records import Kind
from services.stock_publisher.in_flight import Claim, Sold
from services.stock_publisher.shop_order import ShopOrder


class Moves(Part):
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
SALE = Kind("sale", Sold)
"""By shop:order."""
RESERVED = Kind("reserved", Sold)
"""By shop:order: what its standing sales order keeps in Balance's reserve."""
MOVES = Kind("moves", Moves)
"""By shop:product, and by the SKU of products that are not linked."""
PUBLISHED = Kind("published", AvailabilityChanged)
"""By shop:item: the last figure that was announced."""


def unread_ref(shop: str) -> str:
    """How the orders of a shop are found that were not read yet."""
    return f"unread:{shop}"
