"""Stock: one row per item, warehouse, branch and lot (Balance fact 31)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from contracts.balance import StockRow
from services.connectors.balance.fields import (
    Row,
    RowInvalid,
    deleted,
    moment,
    needed_number,
    needed_reference,
    number,
    reading_row,
    reference,
    text,
)

STOCKS = "Stocks"
NONE = Decimal(0)


def read_stock_row(row: Row) -> tuple[str, StockRow]:
    """The item's uid and what lies in one warehouse. Raises `RowInvalid` without item, warehouse or quantity.

    A missing reserve is none (Balance fact 31: older builds omit it). Negative quantities are taken as they are.
    """
    item = reference(row, "Item")
    with reading_row(STOCKS, item):
        return needed_reference(row, "Item"), StockRow(
            warehouse=needed_reference(row, "Warehouse"),
            quantity=needed_number(row, "Quantity"),
            reserve=number(row, "Reserve") or NONE,
            lot=reference(row, "Series"),
        )


# Warehouses (Balance fact 34).

log = logging.getLogger(__name__)
WAREHOUSES = "Warehouses"


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A warehouse; without a name it is called by its uid."""

    uid: str
    name: str
    address: str | None
    deleted: bool


def readable_warehouse(row: Row) -> Warehouse | None:
    """The warehouse in a row of a list; one that cannot be read is logged, so that the others are used."""
    try:
        return read_warehouse(row)
    except RowInvalid as error:
        log.warning("a warehouse was left out", extra={"why": error.detail})
        return None


def read_warehouse(row: Row) -> Warehouse:
    """The warehouse in a row. Raises `RowInvalid` without uid. Balance fact 34: the address is spelt `Adress`."""
    with reading_row(WAREHOUSES, reference(row, "uid")):
        uid = needed_reference(row, "uid")
        address = text(row, "Adress") or text(row, "Address")
        return Warehouse(uid, text(row, "Name") or uid, address, deleted(row))


# Lots (batches) of items (Balance fact 33): what stock rows mean by `Series`.

LOTS = "ItemsSeries"


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot of an item; `valid_until` in UTC is the start of that day in Tbilisi."""

    uid: str
    item: str
    name: str | None
    number: str | None
    valid_until: datetime | None


def read_lot(row: Row) -> Lot:
    """The lot in a row. Raises `RowInvalid` without uid or item, or for a date that is none."""
    with reading_row(LOTS, reference(row, "uid")):
        return Lot(
            uid=needed_reference(row, "uid"),
            item=needed_reference(row, "Item"),
            name=text(row, "Name"),
            number=text(row, "SeriesNumber"),
            valid_until=moment(row, "ValidUntil"),
        )
