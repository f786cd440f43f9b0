"""What the stock publisher remembers from the topics."""

from __future__ import annotations

from pydantic import Field

from contracts.balance import ItemWithdrawn, StockChanged
from contracts.catalog import AvailabilityChanged, ProductLinked
from contracts.model import Part
from services.shared.state.records import Kind, State
from services.stock_publisher.in_flight import Claim, ShopOrder, Sold


class Moves(Part):
    """How often orders may have made the shop move a product's stock by itself."""

    count: int = Field(ge=0)


STOCK = Kind("stock", StockChanged)
"""By item."""
WITHDRAWN = Kind("withdrawn", ItemWithdrawn)
"""By item: those that left Balance's catalogue."""
LINK = Kind("link", ProductLinked)
"""By shop:item; found by shop:product."""
ORDER = Kind("order", ShopOrder)
"""By shop:order."""
CLAIM = Kind("claim", Claim)
"""By shop:order:product; found by shop:product."""
SALE = Kind("sale", Sold)
"""By shop:order."""
RESERVED = Kind("reserved", Sold)
"""By shop:order: what its standing sales order keeps in Balance's reserve."""
MOVES = Kind("moves", Moves)
"""By shop:product."""
PUBLISHED = Kind("published", AvailabilityChanged)
"""By shop:item: the last figure that was announced."""


def link_ref(link: ProductLinked) -> str:
    """How a link is found from an order line's product or variation."""
    return f"{link.shop}:{link.product_id}"


def moves_of(product: str, state: State) -> int:
    """The movements of a product (`shop:product`) so far."""
    known = state.get(MOVES, product)
    return known.count if known else 0
