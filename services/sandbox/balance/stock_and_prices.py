"""Stock on hand and reserved, prices with their documents, and VAT rates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from services.sandbox.balance.record import ZERO, Row, make_uid
from services.sandbox.balance.settings import SandboxDialect

BRANCH = make_uid("branch", "main")
Place = tuple[str, str]
"""Warehouse uid and lot uid (zero for no lot)."""


@dataclass(slots=True)
class StockLevel:
    """What lies in one place, in the item's base unit; `quantity` is gross, of which `reserve` is promised."""

    quantity: Decimal = Decimal(0)
    reserve: Decimal = Decimal(0)

    def __add__(self, other: StockLevel) -> StockLevel:
        return StockLevel(self.quantity + other.quantity, self.reserve + other.reserve)


@dataclass(frozen=True)
class StockMovement:
    """A document's effect on one place's stock."""

    item: str
    warehouse: str
    series: str
    quantity: Decimal
    reserve: Decimal = Decimal(0)


class StockRegister:
    """Levels by item and place."""

    def __init__(self) -> None:
        self._levels: dict[str, dict[Place, StockLevel]] = {}

    def put(
        self,
        item: str,
        warehouse: str,
        quantity: Decimal | None = None,
        reserve: Decimal | None = None,
        series: str = ZERO,
    ) -> StockLevel:
        """Sets quantity and reserve of one place; None keeps the value."""
        level = self._level(item, (warehouse, series))
        level.quantity = level.quantity if quantity is None else quantity
        level.reserve = level.reserve if reserve is None else reserve
        return level

    def move(self, movement: StockMovement, sign: int = 1) -> None:
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

    def levels(self, item: str) -> dict[Place, StockLevel]:
        """An item's levels by place."""
        return dict(self._levels.get(item, {}))

    def rows(self, dialect: SandboxDialect, total: bool = False) -> Iterator[Row]:
        """Stocks rows: one per item, warehouse and lot, or with `total` the lots summed."""
        for item, places in list(self._levels.items()):
            for place, level in (sum_lots(places) if total else dict(places)).items():
                if dialect.zero_stock == "listed" or level != StockLevel():
                    yield stock_row(item, place, level, dialect)

    def _level(self, item: str, place: Place) -> StockLevel:
        return self._levels.setdefault(item, {}).setdefault(place, StockLevel())


def sum_lots(places: dict[Place, StockLevel]) -> dict[Place, StockLevel]:
    """Levels by warehouse, without regard to lots."""
    sums: dict[Place, StockLevel] = {}
    for (warehouse, _), level in places.items():
        sums[warehouse, ZERO] = sums.get((warehouse, ZERO), StockLevel()) + level
    return sums


def stock_row(item: str, place: Place, level: StockLevel, dialect: SandboxDialect) -> Row:
    """One row of Stocks."""
    warehouse, series = place
    fields = {"Item": item, "Warehouse": warehouse, "Branch": BRANCH, "Quantity": level.quantity}
    if dialect.reserve:
        fields["Reserve"] = level.reserve
    return fields | {"Series": series}


REGULAR_RATE = "ჩვეულებრივი"
ZERO_RATE = "ნულოვანი"
WITHOUT_VAT = "დღგ-ის გარეშე"
EXEMPT = "დაუბეგრავი"
PERCENT = {REGULAR_RATE: Decimal(18), ZERO_RATE: Decimal(0), WITHOUT_VAT: Decimal(0), EXEMPT: Decimal(0)}
RATE_NAMES = {make_uid("vat-rate", name): name for name in PERCENT}
RATE_UIDS = {name: known for known, name in RATE_NAMES.items()}
NOT_TAXABLE = "არ იბეგრება დღგ-ით"
"""VATTaxable of a document without VAT."""

CENT = Decimal("0.01")


def find_rate(written: str, text_accepted: bool) -> str | None:
    """The rate that a line's VATRate means, by GUID or by display text; None when it is not recognised."""
    if written in RATE_NAMES:
        return RATE_NAMES[written]
    return written if text_accepted and written in PERCENT else None


def calculate_vat(amount: Decimal, rate: str, included: bool) -> Decimal:
    """VAT of one line in GEL, halves away from zero: amount × 18 / 118 when prices include it, else amount × 18 %."""
    percent = PERCENT[rate]
    base = Decimal(100) + percent if included else Decimal(100)
    return (amount * percent / base).quantize(CENT, ROUND_HALF_UP)


REGULAR = make_uid("price-type", "regular")
SALE = make_uid("price-type", "sale")
PRICE_TYPES = {REGULAR: "საცალო ფასი", SALE: "ფასდაკლებული ფასი"}
GEL = make_uid("currency", "GEL")
LINES_PER_DOCUMENT = 500


@dataclass(frozen=True, slots=True)
class PriceDocument:
    """A price-setting document: from `date` (Balance's local time) these prices of one type hold."""

    number: int
    date: datetime
    price_type: str
    lines: tuple[tuple[str, Decimal], ...]

    def row(self) -> Row:
        """The document as ItemPricing gives it."""
        return {
            "uid": make_uid("pricing", self.number),
            "Number": f"{self.number:04}",
            "Date": self.date,
            "PriceType": self.price_type,
            "Items": [{"Item": item, "Price": price} for item, price in self.lines],
        }


class PriceRegister:
    """Prices in GEL per base unit. A price of zero ends a price: documents keep the zero, the slice drops it."""

    def __init__(self) -> None:
        self._slice: dict[str, dict[str, Decimal]] = {}
        self._documents: list[PriceDocument] = []

    def put(self, price_type: str, prices: Sequence[tuple[str, Decimal]], at: datetime) -> None:
        """Sets prices of one type by documents dated `at` (naive, Tbilisi time), of at most `LINES` lines each."""
        for start in range(0, len(prices), LINES_PER_DOCUMENT):
            lines = tuple(prices[start : start + LINES_PER_DOCUMENT])
            self._documents.append(PriceDocument(len(self._documents) + 1, at, price_type, lines))
        for item, price in prices:
            self._enter(item, price_type, price)

    def get(self, item: str, price_type: str = REGULAR) -> Decimal | None:
        """The price now."""
        return self._slice.get(item, {}).get(price_type)

    def delete(self, item: str, at: datetime) -> None:
        """Ends every price of an item."""
        for price_type in list(self._slice.get(item, {})):
            self.put(price_type, [(item, Decimal(0))], at)

    def rows(self, item: str | None = None) -> Iterator[Row]:
        """The newest price of every item (or one) and price type."""
        held = list(self._slice.items()) if item is None else [(item, self._slice.get(item, {}))]
        for known, prices in held:
            for price_type, price in list(prices.items()):
                yield {"PriceType": price_type, "Item": known, "Currency": GEL, "Price": price}

    def documents(self) -> Iterator[Row]:
        """The price-setting documents, oldest first."""
        return (document.row() for document in list(self._documents))

    def _enter(self, item: str, price_type: str, price: Decimal) -> None:
        held = self._slice.setdefault(item, {})
        if price:
            held[price_type] = price
        else:
            held.pop(price_type, None)
