"""From a group of Balance rows to the fact it states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import orjson

from contracts.balance import GroupRef, ItemChanged, ItemPrice, ItemWithdrawn, PriceChanged, StockChanged, StockRow
from contracts.model import Event
from services.balance_feed.scratch import Group
from services.shared.balance.items import ItemRow, item
from services.shared.balance.prices import price_row
from services.shared.balance.stocks import stock_row
from services.shared.settings.balance import Dialect

DEEPEST = 50
"""No sane catalogue nests deeper; a longer way up is a cycle."""


class Fact(Protocol):
    """Makes facts of one resource."""

    def changed(self, group: Group, now: datetime) -> Event: ...
    def missing(self, key: str, now: datetime) -> Event: ...


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the catalogue: its name and the folder above it."""

    name: str
    above: str | None


@dataclass(frozen=True, slots=True)
class Items:
    """Facts about items; `folders` is the tree of this snapshot."""

    dialect: Dialect
    folders: Mapping[str, Folder]

    def changed(self, group: Group, now: datetime) -> ItemChanged:
        """The item of a group; of several rows with one uid the last counts. Raises `RowInvalid`."""
        row = item(orjson.loads(group.rows[-1]), self.dialect)
        return item_changed(row, path_of(row.group, self.folders), now)

    def missing(self, key: str, now: datetime) -> ItemWithdrawn:
        """The item is gone."""
        return ItemWithdrawn(item=key, observed_at=now)


def item_changed(row: ItemRow, path: tuple[GroupRef, ...], now: datetime) -> ItemChanged:
    """The fact of an item row, with its way from the root."""
    fields = {name: getattr(row, name) for name in ItemChanged.model_fields if hasattr(row, name)}
    return ItemChanged(**(fields | {"item": row.uid, "path": path, "observed_at": now}))


def path_of(group: str | None, folders: Mapping[str, Folder]) -> tuple[GroupRef, ...]:
    """The folders from the root down to `group`; a cycle or a missing folder ends the way."""
    way: list[GroupRef] = []
    while group and group in folders and len(way) < DEEPEST and all(step.uid != group for step in way):
        way.append(GroupRef(uid=group, name=folders[group].name))
        group = folders[group].above
    return tuple(reversed(way))


@dataclass(frozen=True, slots=True)
class Prices:
    """Facts about prices."""

    read: Callable[[Group], tuple[ItemPrice, ...]]

    def changed(self, group: Group, now: datetime) -> PriceChanged:
        """All prices of an item. Raises `RowInvalid`."""
        return PriceChanged(item=group.key, prices=self.read(group), observed_at=now)

    def missing(self, key: str, now: datetime) -> PriceChanged:
        """The item has no price any more."""
        return PriceChanged(item=key, prices=(), observed_at=now)


def prices_of(group: Group) -> tuple[ItemPrice, ...]:
    """The prices in rows of `Prices`, by price type; a repeated type keeps its last row."""
    rows = [price_row(orjson.loads(body))[1] for body in group.rows]
    by_type = {price.price_type: price for price in rows}
    return tuple(by_type[name] for name in sorted(by_type))


@dataclass(frozen=True, slots=True)
class Stock:
    """Facts about stock; warehouse names and lots' expiry are joined in."""

    warehouses: Mapping[str, str]
    expiry: Mapping[str, datetime]

    def changed(self, group: Group, now: datetime) -> StockChanged:
        """The whole stock of an item. Raises `RowInvalid`."""
        rows = [self._joined(stock_row(orjson.loads(body))[1]) for body in group.rows]
        rows.sort(key=lambda row: (row.warehouse, row.lot or "", row.quantity))
        return StockChanged(item=group.key, rows=tuple(rows), observed_at=now)

    def missing(self, key: str, now: datetime) -> StockChanged:
        """Nothing of the item lies anywhere (only said after a complete, sane snapshot)."""
        return StockChanged(item=key, rows=(), observed_at=now)

    def _joined(self, row: StockRow) -> StockRow:
        names = {"warehouse_name": self.warehouses.get(row.warehouse), "valid_until": self.expiry.get(row.lot or "")}
        return row.model_copy(update=names)
