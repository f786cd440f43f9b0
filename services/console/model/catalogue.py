"""Items of Balance, products of the shops and the mappings of groups as rows."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, String

from contracts.balance import ItemChanged, ItemWithdrawn, PriceChanged, StockChanged
from contracts.catalog import AvailabilityChanged, MappingChanged, ProductLinked, ProductPlanned, ProductUnlinked
from contracts.drift import StockDrifted
from contracts.envelope import Envelope
from contracts.model import Event, Instant, Part
from services.console.model.rows import metadata
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State
from services.engine.state.tables import record_table

STOCK_HISTORY = 50
"""So many figures of a product are kept; a newer one replaces the oldest."""


class CatalogueRow(Part):
    """An item or group of Balance with its prices and stock; what was not read yet is None."""

    item: ItemChanged | None = None
    prices: PriceChanged | None = None
    stock: StockChanged | None = None
    withdrawn_at: Instant | None = None

    @property
    def item_kind(self) -> str:
        """Goods, service, folder or unknown."""
        return self.item.kind if self.item else "unknown"

    @property
    def sku(self) -> str:
        """Its SKU as it is searched."""
        return (self.item.sku or "").casefold() if self.item else ""

    @property
    def name(self) -> str:
        """Its name as it is searched."""
        return self.item.name.casefold() if self.item else ""

    @property
    def group(self) -> str:
        """The uid of its group."""
        return self.item.group or "" if self.item else ""

    @property
    def withdrawn(self) -> bool:
        """Whether the catalogue holds it no more."""
        return self.withdrawn_at is not None

    @property
    def on_hand(self) -> Decimal:
        """Its quantity in all warehouses."""
        return sum((row.quantity for row in self.stock.rows), Decimal(0)) if self.stock else Decimal(0)


items = record_table(
    "items",
    metadata,
    Column("item_kind", String, nullable=False),
    Column("sku", String, nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("group", String, nullable=False, index=True),
    Column("withdrawn", Boolean, nullable=False),
    Column("on_hand", BigInteger, nullable=False),
    Index("items_by_name", "item_kind", "name", "key"),
)
ITEMS = Kind("item-row", CatalogueRow, items)
"""By item."""


class ProductRow(Part):
    """What a shop has of an item: its link, what the importer plans or why not, its stock figure, a drift of it."""

    shop: str
    item: str
    link: ProductLinked | None = None
    unlinked: ProductUnlinked | None = None
    plan: ProductPlanned | None = None
    availability: AvailabilityChanged | None = None
    drift: StockDrifted | None = None

    @property
    def linked(self) -> bool:
        """Whether the item is a product of the shop."""
        return self.link is not None

    @property
    def sku(self) -> str:
        """The SKU in the shop, as it is searched."""
        found = (self.link and self.link.sku) or (self.plan and self.plan.sku)
        return (found or (self.availability.sku if self.availability else "")).casefold()

    @property
    def product_id(self) -> int | None:
        """The product or variation."""
        return self.link.product_id if self.link else None

    @property
    def action(self) -> str:
        """What the importer plans, also after it was written: see `pending`."""
        return self.plan.action if self.plan else ""

    @property
    def pending(self) -> bool:
        """Whether the planned change was not written afterwards to every product of the item."""
        if self.plan is None:
            return False
        if self.link is None or self.link.written is None or self.link.written_at is None:
            return True
        is_written = {self.link.written.digest, *(one.digest for one in self.link.further)} == {self.plan.digest}
        return not is_written and self.link.written_at < self.plan.planned_at

    @property
    def reason(self) -> str:
        """Why the item is skipped, or why its change needs a person."""
        return (self.plan.reason or "") if self.plan else ""

    @property
    def quantity(self) -> Decimal | None:
        """The stock figure of the shop."""
        return self.availability.quantity if self.availability else None

    @property
    def drifted(self) -> bool:
        """Whether the shop holds another figure than the one that was written last."""
        return self.drift is not None and (
            self.availability is None or self.drift.seen_at > self.availability.published_at
        )

    @property
    def changed_at(self) -> Instant | None:
        """When the figure was published."""
        return self.availability.published_at if self.availability else None


products = record_table(
    "products",
    metadata,
    Column("shop", String, nullable=False),
    Column("item", String, nullable=False),
    Column("linked", Boolean, nullable=False),
    Column("sku", String, nullable=False, index=True),
    Column("product_id", BigInteger, index=True),
    Column("action", String, nullable=False),
    Column("pending", Boolean, nullable=False),
    Column("reason", String, nullable=False),
    Column("quantity", BigInteger),
    Column("drifted", Boolean, nullable=False),
    Column("changed_at", Float),
    Index("products_by_plan", "shop", "pending", "action", "reason", "key"),
    Index("products_by_link", "shop", "linked", "key"),
)
PRODUCTS = Kind("product-row", ProductRow, products)
"""By shop and item; the reference is the item."""


class StockFigureRow(Part):
    """A stock figure that a product had, with its explanation."""

    figure: AvailabilityChanged

    @property
    def at(self) -> Instant:
        """When it was published."""
        return self.figure.published_at


stock_figures = record_table("stock_figures", metadata, Column("at", Float, nullable=False))
STOCK_FIGURES = Kind("stock-figure-row", StockFigureRow, stock_figures)
"""The reference is the shop and item."""


class MappingRow(Part):
    """The category of a group by a person's word; `rule` None: that of the settings counts again."""

    changed: MappingChanged

    @property
    def shop(self) -> str:
        """The shop."""
        return self.changed.shop


mappings = record_table("mappings", metadata, Column("shop", String, nullable=False, index=True))
MAPPINGS = Kind("mapping-row", MappingRow, mappings)
"""By shop and group."""


def _update_item(key: str, state: State, **changes: Any) -> None:
    row = state.get(ITEMS, key) or CatalogueRow()
    state.put(ITEMS, key, row.model_copy(update=changes))


def _on_item(envelope: Envelope[ItemChanged], state: State) -> None:
    _update_item(envelope.data.item, state, item=envelope.data, withdrawn_at=None)


def _on_withdrawn(envelope: Envelope[ItemWithdrawn], state: State) -> None:
    _update_item(envelope.data.item, state, withdrawn_at=envelope.data.observed_at)


def _on_prices(envelope: Envelope[PriceChanged], state: State) -> None:
    _update_item(envelope.data.item, state, prices=envelope.data)


def _on_stock(envelope: Envelope[StockChanged], state: State) -> None:
    _update_item(envelope.data.item, state, stock=envelope.data)


def _update_product(shop: str, item: str, state: State, **changes: Any) -> None:
    key = f"{shop}:{item}"
    row = state.get(PRODUCTS, key) or ProductRow(shop=shop, item=item)
    state.put(PRODUCTS, key, row.model_copy(update=changes), ref=item)


def _on_linked(envelope: Envelope[ProductLinked], state: State) -> None:
    link = envelope.data
    _update_product(link.shop, link.item, state, link=link, unlinked=None)


def _on_unlinked(envelope: Envelope[ProductUnlinked], state: State) -> None:
    unlinked = envelope.data
    _update_product(unlinked.shop, unlinked.item, state, link=None, unlinked=unlinked)


def _on_plan(envelope: Envelope[ProductPlanned], state: State) -> None:
    plan = envelope.data
    _update_product(plan.shop, plan.item, state, plan=plan)


def _on_availability(envelope: Envelope[AvailabilityChanged], state: State) -> None:
    figure = envelope.data
    _update_product(figure.shop, figure.item, state, availability=figure)
    place = f"{figure.key}:{envelope.sequence % STOCK_HISTORY}"
    state.put(STOCK_FIGURES, place, StockFigureRow(figure=figure), ref=figure.key)


def _on_drift(envelope: Envelope[StockDrifted], state: State) -> None:
    drift = envelope.data
    _update_product(drift.shop, drift.item, state, drift=drift)


def _on_mapping(envelope: Envelope[MappingChanged], state: State) -> None:
    state.put(MAPPINGS, envelope.data.key, MappingRow(changed=envelope.data))


CATALOGUE_RULES: Mapping[type[Event], Remember] = {
    ItemChanged: _on_item,
    ItemWithdrawn: _on_withdrawn,
    PriceChanged: _on_prices,
    StockChanged: _on_stock,
    ProductLinked: _on_linked,
    ProductUnlinked: _on_unlinked,
    ProductPlanned: _on_plan,
    AvailabilityChanged: _on_availability,
    StockDrifted: _on_drift,
    MappingChanged: _on_mapping,
}
CATALOGUE_KINDS = (ITEMS, PRODUCTS, STOCK_FIGURES, MAPPINGS)
