"""Stock rows, warehouses and lots (Balance facts 31, 33 and 34)."""

from __future__ import annotations

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
from services.connectors.http.listing import UnreadableRecord

STOCKS = "Stocks"
WAREHOUSES = "Warehouses"
LOTS = "ItemsSeries"
NO_RESERVE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A warehouse; without a name its uid is used as its name."""

    uid: str
    name: str
    address: str | None
    deleted: bool


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot (batch) of an item; `valid_until` in UTC is the start of that day in Tbilisi."""

    uid: str
    item: str
    name: str | None
    number: str | None
    valid_until: datetime | None


def read_stock_row(row: Row) -> tuple[str, StockRow]:
    """The item's uid and its stock in one warehouse and lot. Raises `RowInvalid` without item, warehouse or quantity.

    A missing reserve is 0 (Balance fact 31: older builds omit it). Negative quantities are kept.
    """
    item = reference(row, "Item")
    with reading_row(STOCKS, item):
        return needed_reference(row, "Item"), StockRow(
            warehouse=needed_reference(row, "Warehouse"),
            quantity=needed_number(row, "Quantity"),
            reserve=number(row, "Reserve") or NO_RESERVE,
            lot=reference(row, "Series"),
        )


def read_listed_warehouse(row: Row) -> Warehouse | UnreadableRecord:
    """The warehouse in a row of a list, or why it cannot be read: it must not hide the others."""
    try:
        return read_warehouse(row)
    except RowInvalid as error:
        return UnreadableRecord(error.reason, error.detail)


def read_warehouse(row: Row) -> Warehouse:
    """The warehouse in a row. Raises `RowInvalid` without uid. Balance fact 34: the address is spelt `Adress`."""
    with reading_row(WAREHOUSES, reference(row, "uid")):
        uid = needed_reference(row, "uid")
        address = text(row, "Adress") or text(row, "Address")
        return Warehouse(uid, text(row, "Name") or uid, address, deleted(row))


def read_lot(row: Row) -> Lot:
    """The lot in a row. Raises `RowInvalid` without uid or item, or for an invalid date."""
    with reading_row(LOTS, reference(row, "uid")):
        return Lot(
            uid=needed_reference(row, "uid"),
            item=needed_reference(row, "Item"),
            name=text(row, "Name"),
            number=text(row, "SeriesNumber"),
            valid_until=moment(row, "ValidUntil"),
        )
