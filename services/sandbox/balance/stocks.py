"""Stock on hand and in reserve, by item, warehouse and lot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from services.sandbox.balance.record import ZERO, Row, uid
from services.sandbox.balance.settings import Dialect

BRANCH = uid("branch", "main")
Place = tuple[str, str]
"""Warehouse uid and lot uid (zero for no lot)."""


@dataclass(slots=True)
class Level:
    """What lies in one place, in the item's base unit; `quantity` is gross, of which `reserve` is promised."""

    quantity: Decimal = Decimal(0)
    reserve: Decimal = Decimal(0)

    def __add__(self, other: Level) -> Level:
        return Level(self.quantity + other.quantity, self.reserve + other.reserve)


@dataclass(frozen=True)
class Movement:
    """A document's effect on one place's stock."""

    item: str
    warehouse: str
    series: str
    quantity: Decimal
    reserve: Decimal = Decimal(0)


class Stocks:
    """Levels by item and place."""

    def __init__(self) -> None:
        self._levels: dict[str, dict[Place, Level]] = {}

    def put(
        self,
        item: str,
        warehouse: str,
        quantity: Decimal | None = None,
        reserve: Decimal | None = None,
        series: str = ZERO,
    ) -> Level:
        """Sets what is given of one place's level; the rest stays."""
        level = self._level(item, (warehouse, series))
        level.quantity = level.quantity if quantity is None else quantity
        level.reserve = level.reserve if reserve is None else reserve
        return level

    def move(self, movement: Movement, sign: int = 1) -> None:
        """Applies a movement, or with sign -1 takes it back."""
        level = self._level(movement.item, (movement.warehouse, movement.series))
        level.quantity += sign * movement.quantity
        level.reserve += sign * movement.reserve

    def on_hand(self, item: str, warehouse: str, series: str = ZERO) -> Decimal:
        """The quantity of one lot, or (zero uid) of all lots, in a warehouse."""
        places = self._levels.get(item, {}).items()
        wanted = [level for (at, lot), level in places if at == warehouse and series in (ZERO, lot)]
        return sum((level.quantity for level in wanted), Decimal(0))

    def delete(self, item: str) -> None:
        """Removes every level of an item."""
        self._levels.pop(item, None)

    def levels(self, item: str) -> dict[Place, Level]:
        """An item's levels by place."""
        return dict(self._levels.get(item, {}))

    def rows(self, dialect: Dialect, total: bool = False) -> Iterator[Row]:
        """Stocks rows: one per item, warehouse and lot, or with `total` the lots summed."""
        for item, places in list(self._levels.items()):
            for place, level in (lots_summed(places) if total else dict(places)).items():
                if dialect.zero_stock == "listed" or level != Level():
                    yield row(item, place, level, dialect)

    def _level(self, item: str, place: Place) -> Level:
        return self._levels.setdefault(item, {}).setdefault(place, Level())


def lots_summed(places: dict[Place, Level]) -> dict[Place, Level]:
    """Levels by warehouse, without regard to lots."""
    sums: dict[Place, Level] = {}
    for (warehouse, _), level in places.items():
        sums[warehouse, ZERO] = sums.get((warehouse, ZERO), Level()) + level
    return sums


def row(item: str, place: Place, level: Level, dialect: Dialect) -> Row:
    """One row of Stocks."""
    warehouse, series = place
    fields = {"Item": item, "Warehouse": warehouse, "Branch": BRANCH, "Quantity": level.quantity}
    if dialect.reserve:
        fields["Reserve"] = level.reserve
    return fields | {"Series": series}
