"""From the Balance rows of one key to the fact that is published about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import orjson

from contracts.balance import ItemChanged, ItemPrice, ItemWithdrawn, PriceChanged, StockChanged, StockRow
from contracts.reasons import Reason
from contracts.validation import plain
from services.balance_feed.discounts import NO_DISCOUNTS, Discounts, apply_discounts
from services.balance_feed.scratch import RowGroup
from services.connectors.balance.fields import RowInvalid
from services.connectors.balance.items import Folder, Path, build_item_fact, path_of, read_item
from services.connectors.balance.prices import read_price_row
from services.connectors.balance.stocks import read_stock_row
from services.engine.outbox.faults import Fault
from services.settings.balance import Dialect

Observation = ItemChanged | PriceChanged | StockChanged
Absence = ItemWithdrawn | PriceChanged | StockChanged
SHOWN_ROWS = 20


class FactBuilder(Protocol):
    """Builds the facts of one resource.

    `joined_text` is what a fact takes from elsewhere, by a row's `ref` to it: a fact is built again when it changes.
    """

    def joined_text(self, ref: str) -> str: ...
    def changed(self, group: RowGroup, now: datetime) -> Observation: ...
    def missing(self, key: str, now: datetime) -> Absence: ...


@dataclass(frozen=True, slots=True)
class BuiltFacts:
    """Facts and faults, by key: one invalid record never stops the others (claim K13)."""

    facts: dict[str, Observation] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)


def build_facts(fact: FactBuilder, groups: Iterable[RowGroup], now: datetime) -> BuiltFacts:
    """Build the facts of groups; `now` is when they were observed."""
    built = BuiltFacts()
    for group in groups:
        try:
            built.facts[group.key] = fact.changed(group, now)
        except RowInvalid as error:
            built.faults[group.key] = _fault(group, error.detail)
        except (ValueError, ArithmeticError) as error:  # a value that no fact may have, such as a uid of 100 characters
            built.faults[group.key] = _fault(group, f"Balance, {group.key[:64]}: {plain(error)}")
    return built


def _fault(group: RowGroup, detail: str) -> Fault:
    return Fault(reason=Reason.BALANCE_ROW_INVALID, detail=detail, payload={"rows": group.rows[:SHOWN_ROWS]})


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """Builds facts about items; `folders` is the tree of this snapshot."""

    dialect: Dialect
    folders: Mapping[str, Folder]
    _paths: dict[str, Path] = field(default_factory=dict)
    _path_texts: dict[str, str] = field(default_factory=dict)

    def joined_text(self, ref: str) -> str:
        """The path from the root: an item is published again when a folder that contains it is renamed or moved."""
        if ref not in self._path_texts:
            self._path_texts[ref] = "\n".join(f"{step.uid} {step.name}" for step in self._path(ref))
        return self._path_texts[ref]

    def changed(self, group: RowGroup, now: datetime) -> ItemChanged:
        """The item of a group; of several rows with one uid the last one counts. Raises `RowInvalid`."""
        row = read_item(orjson.loads(group.rows[-1]), self.dialect)
        return build_item_fact(row, self._path(row.group or ""), now)

    def missing(self, key: str, now: datetime) -> ItemWithdrawn:
        """The item is no longer in Balance."""
        return ItemWithdrawn(item=key, observed_at=now)

    def _path(self, group: str) -> Path:
        if group not in self._paths:
            self._paths[group] = path_of(group, self.folders)
        return self._paths[group]


@dataclass(frozen=True, slots=True)
class PriceFacts:
    """Builds facts about prices from either price resource, joined with discounts. A row's `ref` is its item."""

    discounts: Discounts = NO_DISCOUNTS

    def joined_text(self, ref: str) -> str:
        """The item's discounts: its prices are published again when one of them changes."""
        return self.discounts.describe(ref)

    def changed(self, group: RowGroup, now: datetime) -> PriceChanged:
        """All prices of an item. Raises `RowInvalid`."""
        prices = read_prices(group)
        reduced = apply_discounts(prices, self.discounts.for_item(group.key))
        return PriceChanged(item=group.key, prices=(*prices, *reduced), observed_at=now)

    def missing(self, key: str, now: datetime) -> PriceChanged:
        """The item no longer has a price."""
        return PriceChanged(item=key, prices=(), observed_at=now)


def read_prices(group: RowGroup) -> tuple[ItemPrice, ...]:
    """Return the prices of an item, sorted by price type; of a repeated type the last row counts."""
    rows = [read_price_row(orjson.loads(body))[1] for body in group.rows]
    by_type = {price.price_type: price for price in rows}
    return tuple(by_type[name] for name in sorted(by_type))


@dataclass(frozen=True, slots=True)
class StockFacts:
    """Builds facts about stock, joined with warehouse names and expiry of lots. A row's `ref` is `warehouse lot`."""

    warehouses: Mapping[str, str]
    expiry: Mapping[str, datetime]

    def joined_text(self, ref: str) -> str:
        """The warehouse's name and the lot's expiry: stock is published again when one of them changes."""
        warehouse, _, lot = ref.partition(" ")
        return f"{self.warehouses.get(warehouse)} {self.expiry.get(lot)}"

    def changed(self, group: RowGroup, now: datetime) -> StockChanged:
        """The whole stock of an item. Raises `RowInvalid`."""
        rows = [self._join(read_stock_row(orjson.loads(body))[1]) for body in group.rows]
        rows.sort(key=lambda row: (row.warehouse, row.lot or "", row.quantity, row.reserve))
        return StockChanged(item=group.key, rows=tuple(rows), observed_at=now)

    def missing(self, key: str, now: datetime) -> StockChanged:
        """No warehouse has the item (published only after a complete, plausible snapshot)."""
        return StockChanged(item=key, rows=(), observed_at=now)

    def _join(self, row: StockRow) -> StockRow:
        names = {"warehouse_name": self.warehouses.get(row.warehouse), "valid_until": self.expiry.get(row.lot or "")}
        return row.model_copy(update=names)
