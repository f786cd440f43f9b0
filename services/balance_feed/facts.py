"""From a group of Balance rows to the fact it states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import orjson

from contracts.balance import GroupRef, ItemChanged, ItemPrice, ItemWithdrawn, PriceChanged, StockChanged, StockRow
from services.balance_feed.discounts import NO_DISCOUNTS, Discounts, apply_discounts
from services.balance_feed.scratch import RowGroup
from services.connectors.balance.items import ItemRow, item
from services.connectors.balance.prices import price_row
from services.connectors.balance.rows import RowInvalid
from services.connectors.balance.stocks import stock_row
from services.engine.outbox.faults import Fault
from services.settings.balance import Dialect

Observation = ItemChanged | PriceChanged | StockChanged
Absence = ItemWithdrawn | PriceChanged | StockChanged
Path = tuple[GroupRef, ...]
DEEPEST = 50
"""No sane catalogue nests deeper; a longer way up is a cycle."""
SHOWN_ROWS = 20


class FactBuilder(Protocol):
    """Makes facts of one resource. `joined` is what a fact takes from elsewhere, by a row's `reference` to it."""

    def joined(self, ref: str) -> str: ...
    def changed(self, group: RowGroup, now: datetime) -> Observation: ...
    def missing(self, key: str, now: datetime) -> Absence: ...


@dataclass(frozen=True, slots=True)
class BuiltFacts:
    """Facts and faults, by key: one bad record never stops its neighbours (claim K13)."""

    facts: dict[str, Observation] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)


def build_facts(fact: FactBuilder, groups: Iterable[RowGroup], now: datetime) -> BuiltFacts:
    """Make facts of groups; `now` is the moment that they claim."""
    found = BuiltFacts()
    for group in groups:
        try:
            found.facts[group.key] = fact.changed(group, now)
        except RowInvalid as error:
            rows = {"rows": group.rows[:SHOWN_ROWS]}
            found.faults[group.key] = Fault(reason=error.reason, detail=error.detail, payload=rows)
    return found


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the catalogue: its name and the folder above it."""

    name: str
    above: str | None


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """Facts about items; `folders` is the tree of this snapshot."""

    dialect: Dialect
    folders: Mapping[str, Folder]
    _paths: dict[str, Path] = field(default_factory=dict)
    _joined: dict[str, str] = field(default_factory=dict)

    def joined(self, ref: str) -> str:
        """The way from the root: an item is stated again when a folder above it is renamed or moved."""
        if ref not in self._joined:
            self._joined[ref] = "\n".join(f"{step.uid} {step.name}" for step in self._path(ref))
        return self._joined[ref]

    def changed(self, group: RowGroup, now: datetime) -> ItemChanged:
        """The item of a group; of several rows with one uid the last counts. Raises `RowInvalid`."""
        row = item(orjson.loads(group.rows[-1]), self.dialect)
        return build_item_fact(row, self._path(row.group or ""), now)

    def missing(self, key: str, now: datetime) -> ItemWithdrawn:
        """The item is gone."""
        return ItemWithdrawn(item=key, observed_at=now)

    def _path(self, group: str) -> Path:
        if group not in self._paths:
            self._paths[group] = path_of(group, self.folders)
        return self._paths[group]


def build_item_fact(row: ItemRow, path: Path, now: datetime) -> ItemChanged:
    """The fact of an item row, with its way from the root."""
    fields = {name: getattr(row, name) for name in ItemChanged.model_fields if hasattr(row, name)}
    return ItemChanged(**(fields | {"item": row.uid, "path": path, "observed_at": now}))


def path_of(group: str | None, folders: Mapping[str, Folder]) -> Path:
    """The folders from the root down to `group`; a cycle or a missing folder ends the way."""
    way: list[GroupRef] = []
    while group and group in folders and len(way) < DEEPEST and all(step.uid != group for step in way):
        way.append(GroupRef(uid=group, name=folders[group].name))
        group = folders[group].above
    return tuple(reversed(way))


@dataclass(frozen=True, slots=True)
class PriceFacts:
    """Facts about prices, whichever resource they come from; discounts are joined in. A row refers to its item."""

    discounts: Discounts = NO_DISCOUNTS

    def joined(self, ref: str) -> str:
        """The item's discounts: its prices are stated again when one of them changes."""
        return self.discounts.text(ref)

    def changed(self, group: RowGroup, now: datetime) -> PriceChanged:
        """All prices of an item. Raises `RowInvalid`."""
        found = prices_of(group)
        reduced = apply_discounts(found, self.discounts.of(group.key))
        return PriceChanged(item=group.key, prices=(*found, *reduced), observed_at=now)

    def missing(self, key: str, now: datetime) -> PriceChanged:
        """The item has no price any more."""
        return PriceChanged(item=key, prices=(), observed_at=now)


def prices_of(group: RowGroup) -> tuple[ItemPrice, ...]:
    """The prices of an item, by price type; a repeated type keeps its last row."""
    rows = [price_row(orjson.loads(body))[1] for body in group.rows]
    by_type = {price.price_type: price for price in rows}
    return tuple(by_type[name] for name in sorted(by_type))


@dataclass(frozen=True, slots=True)
class StockFacts:
    """Facts about stock; warehouse names and lots' expiry are joined in. A row refers to them as `warehouse lot`."""

    warehouses: Mapping[str, str]
    expiry: Mapping[str, datetime]

    def joined(self, ref: str) -> str:
        """The warehouse's name and the lot's expiry: stock is stated again when one of them changes."""
        warehouse, _, lot = ref.partition(" ")
        return f"{self.warehouses.get(warehouse)} {self.expiry.get(lot)}"

    def changed(self, group: RowGroup, now: datetime) -> StockChanged:
        """The whole stock of an item. Raises `RowInvalid`."""
        rows = [self._joined(stock_row(orjson.loads(body))[1]) for body in group.rows]
        rows.sort(key=lambda row: (row.warehouse, row.lot or "", row.quantity, row.reserve))
        return StockChanged(item=group.key, rows=tuple(rows), observed_at=now)

    def missing(self, key: str, now: datetime) -> StockChanged:
        """Nothing of the item lies anywhere (only said after a complete, sane snapshot)."""
        return StockChanged(item=key, rows=(), observed_at=now)

    def _joined(self, row: StockRow) -> StockRow:
        names = {"warehouse_name": self.warehouses.get(row.warehouse), "valid_until": self.expiry.get(row.lot or "")}
        return row.model_copy(update=names)
