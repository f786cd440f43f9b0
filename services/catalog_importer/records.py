"""What the importer remembers from the topics."""

from __future__ import annotations

from contracts.balance import ItemChanged, ItemWithdrawn, PriceChanged
from contracts.catalog import ProductLinked, ProductPlanned
from services.catalog_importer.eligibility import same_sku
from services.engine.state.records import Kind

ITEM = Kind("item", ItemChanged)
"""By item; found by SKU."""
WITHDRAWN = Kind("withdrawn", ItemWithdrawn)
"""By item."""
PRICES = Kind("prices", PriceChanged)
"""By item."""
LINK = Kind("link", ProductLinked)
"""By shop:item."""
PLANNED = Kind("planned", ProductPlanned)
"""By shop:item: the last plan or skip announced."""


def sku_ref(item: ItemChanged | None) -> str:
    """Return the reference of an item's SKU, by which items with the same SKU are found; empty without a SKU."""
    return same_sku(item.sku) if item else ""
