"""What Balance holds of an item in the warehouses that a shop sells from, as lines of a figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from contracts.balance import StockRow
from contracts.catalog import FigureLine
from services.settings.stock import StockSettings
from services.stock_publisher.warehouse import Warehouse

ZERO = Decimal(0)


def on_hand_lines(
    rows: Sequence[StockRow], warehouses: Sequence[Warehouse], rules: StockSettings, now: datetime
) -> Iterator[FigureLine]:
    """On hand − reserved − expiring, warehouse by warehouse (claims S0.7, S0.8, S4.22)."""
    for warehouse in warehouses:
        here = [row for row in rows if row.warehouse == warehouse.uid]
        source = f"Balance, warehouse {warehouse.name or warehouse.uid}"
        yield FigureLine(label="on hand", quantity=sum((row.quantity for row in here), ZERO), source=source)
        if rules.subtract_reserve and (reserve := sum(map(_reserve, here), ZERO)):
            yield FigureLine(label="reserved", quantity=-reserve, source=source)
        yield from _expiring(here, rules, now, source)


def _reserve(row: StockRow) -> Decimal:
    """Balance's own reserve; a negative one, which would raise the figure, counts as none."""
    return max(row.reserve, ZERO)


def _expiring(rows: Sequence[StockRow], rules: StockSettings, now: datetime, source: str) -> Iterator[FigureLine]:
    """Lots that expire too soon to be sold (claim I13); what of them is reserved is out already."""
    if rules.expiring_days is None:
        return
    soon = [row for row in rows if row.valid_until and row.valid_until <= now + timedelta(days=rules.expiring_days)]
    held_back = sum((max(_unreserved(row, rules), ZERO) for row in soon), ZERO)
    if held_back:
        within = f"lots that expire within {rules.expiring_days} days"
        yield FigureLine(label="expiring", quantity=-held_back, source=f"{source}: {within}")


def _unreserved(row: StockRow, rules: StockSettings) -> Decimal:
    return row.quantity - (_reserve(row) if rules.subtract_reserve else ZERO)


def next_expiry(rows: Sequence[StockRow], rules: StockSettings, now: datetime) -> datetime | None:
    """When the next lot begins to expire too soon; None when none does."""
    if rules.expiring_days is None:
        return None
    ahead = timedelta(days=rules.expiring_days)
    return min(
        (row.valid_until - ahead for row in rows if row.valid_until and row.valid_until - ahead > now), default=None
    )
