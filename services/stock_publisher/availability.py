"""How many pieces of an item a shop may sell, and why: every figure carries lines that add up to it exactly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from contracts.balance import StockRow
from contracts.catalog import FigureLine, LocationFigure
from services.settings.stock import StockSettings
from services.stock_publisher.in_flight import Held
from services.stock_publisher.limits import limited, steps
from services.stock_publisher.on_hand import on_hand_lines
from services.stock_publisher.warehouse import Warehouse

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Figure:
    """A stock figure in steps that the shop sells, with the lines that it is the sum of."""

    quantity: Decimal
    explanation: tuple[FigureLine, ...]
    locations: tuple[LocationFigure, ...] = ()


@dataclass(frozen=True, slots=True)
class Position:
    """One item for one shop: its whole stock in base units, the warehouses sold from, and what web orders hold of it
    that Balance's figure does not contain yet."""

    rows: Sequence[StockRow]
    warehouses: Sequence[Warehouse]
    held: Sequence[Held]
    now: datetime

    def lines(self, rules: StockSettings) -> list[FigureLine]:
        """On hand − reserved − expiring − in flight."""
        return [
            *on_hand_lines(self.rows, self.warehouses, rules, self.now),
            *(_in_flight(order) for order in self.held),
        ]

    def free(self, rules: StockSettings) -> Decimal:
        """The sum of the lines; below 0 when orders hold more than there is."""
        return total(self.lines(rules))


def figure(position: Position, rules: StockSettings, more: Iterable[FigureLine] = ()) -> Figure:
    """What is free for sale: what the position says, `more` (kits), and less what the shop keeps back."""
    lines = [*position.lines(rules), *more]
    lines += limited(total(lines), rules)
    return Figure(total(lines), tuple(lines))


def withdrawn(lines: Sequence[FigureLine]) -> FigureLine:
    """The line that takes everything off an item which left Balance's catalogue (claim S2.15)."""
    gone = "Balance's catalogue does not hold the item any more (setting catalogue.withdrawn)"
    return FigureLine(label="withdrawn", quantity=-max(total(lines), ZERO), source=gone)


def at_locations(
    found: Figure, position: Position, locations: Mapping[str, Sequence[Warehouse]], rules: StockSettings
) -> Figure:
    """The same figure with one for each of the shop's locations (claim S0.9).

    Nobody knows from which location an order in flight will leave, so that none shows more than is free altogether.
    """
    there = {name: min(_there(position, behind, rules), found.quantity) for name, behind in locations.items()}
    shown = tuple(LocationFigure(place=name, quantity=quantity) for name, quantity in there.items())
    return Figure(found.quantity, found.explanation, shown)


def _there(position: Position, warehouses: Sequence[Warehouse], rules: StockSettings) -> Decimal:
    held = total(list(on_hand_lines(position.rows, warehouses, rules, position.now)))
    return steps(max(held, ZERO), rules.step)


def total(lines: Sequence[FigureLine]) -> Decimal:
    """What lines add up to."""
    return sum((line.quantity for line in lines), ZERO)


def _in_flight(held: Held) -> FigureLine:
    of_shop = f" of shop {held.shop}" if held.shop else ""
    return FigureLine(
        label="in flight",
        quantity=-held.quantity,
        source=f"order {held.number}{of_shop}, {held.status}",
        orders=(str(held.order_id),),
    )
