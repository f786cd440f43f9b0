"""What balance-feed states about Balance: items, prices, stock and warehouses."""

from __future__ import annotations

from typing import ClassVar, Literal

from contracts.model import Event, Instant, Money, Part, Quantity, Uid

ItemKind = Literal["goods", "service", "folder", "unknown"]


class GroupRef(Part):
    """One folder on the way from the root of the catalogue to an item."""

    uid: Uid
    name: str


class Accounts(Part):
    """The default postings of an item: codes of Balance's chart of accounts."""

    inventories: str | None = None
    expenses: str | None = None
    revenues: str | None = None
    vat_payable: str | None = None


class _ItemEvent(Event):
    TOPIC: ClassVar[str] = "balance.items"
    item: Uid

    @property
    def key(self) -> str:
        return self.item


class ItemChanged(_ItemEvent):
    """An item (or folder) of Balance's catalogue, whole, as it was last observed."""

    TYPE: ClassVar[str] = "davtari.ItemChanged.v1"
    kind: ItemKind
    sku: str | None = None
    code: str | None = None
    article: str | None = None
    barcode: str | None = None
    name: str
    full_name: str | None = None
    group: Uid | None = None
    path: tuple[GroupRef, ...] = ()
    item_type: str | None = None
    unit: str | None = None
    weight: Quantity | None = None
    vat_rate: str | None = None
    accounts: Accounts = Accounts()
    ext_code: str | None = None
    requisites: tuple[str | None, str | None, str | None] = (None, None, None)
    changed: tuple[str, ...] = ()
    observed_at: Instant


class ItemWithdrawn(_ItemEvent):
    """An item that a complete, sane snapshot of the catalogue no longer holds."""

    TYPE: ClassVar[str] = "davtari.ItemWithdrawn.v1"
    observed_at: Instant


class ItemPrice(Part):
    """A price of one price type; `source` is the Balance resource that stated it."""

    price_type: Uid
    price: Money
    currency: str | None = None
    valid_from: Instant | None = None
    valid_to: Instant | None = None
    source: Literal["Prices", "ItemPricing", "Discounts"] = "Prices"


class PriceChanged(_ItemEvent):
    """All prices of one item, by price type; an empty list means that it has none any more."""

    TYPE: ClassVar[str] = "davtari.PriceChanged.v1"
    TOPIC: ClassVar[str] = "balance.prices"
    prices: tuple[ItemPrice, ...]
    changed: tuple[str, ...] = ()
    observed_at: Instant


class StockRow(Part):
    """What lies in one warehouse, in one lot where the item has lots."""

    warehouse: Uid
    warehouse_name: str | None = None
    quantity: Quantity
    reserve: Quantity
    lot: Uid | None = None
    valid_until: Instant | None = None


class StockChanged(_ItemEvent):
    """The whole stock of one item over warehouses and lots; an empty list is zero everywhere."""

    TYPE: ClassVar[str] = "davtari.StockChanged.v1"
    TOPIC: ClassVar[str] = "balance.stock"
    rows: tuple[StockRow, ...]
    changed: tuple[str, ...] = ()
    observed_at: Instant
