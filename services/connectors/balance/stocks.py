"""Stock: one row per item, warehouse, branch and lot (balance-api 2.3)."""

from __future__ import annotations

from decimal import Decimal

from contracts.balance import StockRow
from services.connectors.balance.fields import needed_number, needed_reference, number, reference
from services.connectors.balance.rows import Row, reading

RESOURCE = "Stocks"
NONE = Decimal(0)


def stock_row(row: Row) -> tuple[str, StockRow]:
    """The item's uid and what lies in one warehouse. Raises `RowInvalid` without item, warehouse or quantity.

    A missing reserve is none (API fact: older builds do not state it). Negative quantities are taken as they are.
    """
    item = reference(row, "Item")
    with reading(RESOURCE, item):
        return needed_reference(row, "Item"), StockRow(
            warehouse=needed_reference(row, "Warehouse"),
            quantity=needed_number(row, "Quantity"),
            reserve=number(row, "Reserve") or NONE,
            lot=reference(row, "Series"),
        )
