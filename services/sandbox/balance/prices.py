"""Price types, the price-setting documents (ItemPricing), and the slice of the newest prices (Prices)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.sandbox.balance.record import Row, uid

REGULAR = uid("price-type", "regular")
SALE = uid("price-type", "sale")
PRICE_TYPES = {REGULAR: "საცალო ფასი", SALE: "ფასდაკლებული ფასი"}
GEL = uid("currency", "GEL")
LINES = 500


@dataclass(frozen=True, slots=True)
class Pricing:
    """A price-setting document: from `date` (Balance's local time) these prices of one type hold."""

    number: int
    date: datetime
    price_type: str
    lines: tuple[tuple[str, Decimal], ...]

    def row(self) -> Row:
        """The document as ItemPricing gives it."""
        return {
            "uid": uid("pricing", self.number),
            "Number": f"{self.number:04}",
            "Date": self.date,
            "PriceType": self.price_type,
            "Items": [{"Item": item, "Price": price} for item, price in self.lines],
        }


class Prices:
    """Prices in GEL per base unit. A price of zero ends a price: documents keep the zero, the slice drops it."""

    def __init__(self) -> None:
        self._slice: dict[str, dict[str, Decimal]] = {}
        self._documents: list[Pricing] = []

    def put(self, price_type: str, prices: Sequence[tuple[str, Decimal]], at: datetime) -> None:
        """Sets prices of one type by documents dated `at` (naive, Tbilisi time), of at most `LINES` lines each."""
        for start in range(0, len(prices), LINES):
            lines = tuple(prices[start : start + LINES])
            self._documents.append(Pricing(len(self._documents) + 1, at, price_type, lines))
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
