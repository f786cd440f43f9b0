"""How many pieces of an item a shop may sell, and why: every figure carries lines that add up to it exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from contracts.balance import StockRow
from contracts.catalog import FigureLine
from services.shared.settings.shop import StockSettings
from services.stock_publisher.in_flight import Held
from services.stock_publisher.warehouse import Warehouse

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Figure:
    """A stock figure in whole pieces, with the lines that it is the sum of."""

    quantity: int
    explanation: tuple[FigureLine, ...]


def figure(
    rows: Sequence[StockRow], warehouses: Sequence[Warehouse], held: Sequence[Held], rules: StockSettings
) -> Figure:
    """What is free for sale: on hand − reserved − in flight − buffer, never below 0, in whole pieces.

    `rows` is the item's whole stock in its base unit, `warehouses` those that the shop sells from (claims S0.7, S0.8),
    `held` what web orders hold that Balance's figure does not contain yet. WooCommerce takes whole pieces only (API
    fact: a batch cuts 5.5 to 5 without a word), so that a fraction is cut off here, visibly, as a "rounding" line.
    """
    lines = [
        *(_on_hand(rows, warehouse) for warehouse in warehouses),
        *(_reserved(rows, warehouses) if rules.subtract_reserve else ()),
        *(_in_flight(order) for order in held),
        *_buffer(rules.buffer),
    ]
    lines += _floor(_sum(lines))
    lines += _rounding(_sum(lines))
    return Figure(int(_sum(lines)), tuple(lines))


def _sum(lines: Sequence[FigureLine]) -> Decimal:
    return sum((line.quantity for line in lines), ZERO)


def _on_hand(rows: Sequence[StockRow], warehouse: Warehouse) -> FigureLine:
    quantity = sum((row.quantity for row in rows if row.warehouse == warehouse.uid), ZERO)
    return FigureLine(label="on hand", quantity=quantity, source=_source(warehouse))


def _reserved(rows: Sequence[StockRow], warehouses: Sequence[Warehouse]) -> Iterator[FigureLine]:
    """Balance's own reserve; a negative one, which would raise the figure, counts as none."""
    for warehouse in warehouses:
        reserve = sum((max(row.reserve, ZERO) for row in rows if row.warehouse == warehouse.uid), ZERO)
        if reserve:
            yield FigureLine(label="reserved", quantity=-reserve, source=_source(warehouse))


def _source(warehouse: Warehouse) -> str:
    return f"Balance, warehouse {warehouse.name or warehouse.uid}"


def _in_flight(held: Held) -> FigureLine:
    return FigureLine(
        label="in flight",
        quantity=-held.quantity,
        source=f"order {held.number}, {held.status}",
        orders=(str(held.order_id),),
    )


def _buffer(buffer: Decimal) -> Iterator[FigureLine]:
    if buffer:
        yield FigureLine(label="buffer", quantity=-buffer, source="setting stock.buffer")


def _floor(free: Decimal) -> Iterator[FigureLine]:
    if free < 0:
        yield FigureLine(label="floor", quantity=-free, source="a shop's stock is not shown below 0")


def _rounding(free: Decimal) -> Iterator[FigureLine]:
    if fraction := free - free.to_integral_value(ROUND_FLOOR):
        yield FigureLine(label="rounding", quantity=-fraction, source="WooCommerce sells whole pieces")
