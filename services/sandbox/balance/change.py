"""One change to the books at a time, as a person in Balance would make it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict

from services.sandbox.balance.books import Books
from services.sandbox.balance.items import number
from services.sandbox.balance.prices import REGULAR, SALE
from services.sandbox.balance.record import ZERO, Row, as_text

PRICE_TYPES = {"regular": REGULAR, "sale": SALE}
DAYS = frozenset({"StartDate", "EndDate"})
NUMBERS = frozenset({"Percentage", "Amount", "SpecialPrice"})


class StockChange(BaseModel):
    """Sets a level; what is None stays. `item` by uid, article or code, `warehouse` by uid or name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: str
    warehouse: str
    quantity: Decimal | None = None
    reserve: Decimal | None = None
    series: str = ZERO

    def apply(self, books: Books) -> dict[str, str]:
        """Makes the change. Raises KeyError for an unknown item or warehouse."""
        item, warehouse = item_uid(books, self.item), warehouse_uid(books, self.warehouse)
        level = books.stocks.put(item, warehouse, self.quantity, self.reserve, self.series)
        return {"item": item, "quantity": as_text(level.quantity), "reserve": as_text(level.reserve)}


class PriceChange(BaseModel):
    """Sets a price in GEL from now on; zero ends it. `price_type` is regular, sale, or a uid."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: str
    price: Decimal
    price_type: str = "regular"

    def apply(self, books: Books) -> dict[str, str]:
        """Makes the change by a price-setting document dated now. Raises KeyError for an unknown item."""
        item = item_uid(books, self.item)
        books.prices.put(PRICE_TYPES.get(self.price_type, self.price_type), [(item, self.price)], books.now())
        return {"item": item, "price": as_text(self.price)}


def item(books: Books, uid: str, fields: Row) -> dict[str, str]:
    """Adds an item or changes fields of one. Raises ValueError for a field that items do not have."""
    return {name: as_text(value) for name, value in books.items.put(uid, fields).items()}


def item_uid(books: Books, named: str) -> str:
    """The uid of an item given by uid, article or code. Raises KeyError."""
    found = named if named in books.items else books.items.named(named)
    if found is None:
        raise KeyError(f"item {named}")
    return found


def warehouse_uid(books: Books, named: str) -> str:
    """The uid of a warehouse given by uid or name. Raises KeyError."""
    found = named if named in books.warehouses else books.warehouse_named(named)
    if found is None:
        raise KeyError(f"warehouse {named}")
    return found


def discount(books: Books, code: str, fields: Mapping[str, Any]) -> dict[str, str]:
    """Adds a discount or changes fields of one; days as YYYY-MM-DD. Raises ValueError for no day or number."""
    known = books.discounts.get(code, {"Code": code, "Name": code, "IsActive": True, "Items": []})
    row = books.discounts[code] = known | {name: discount_value(name, value) for name, value in fields.items()}
    return {name: as_text(value) for name, value in row.items()}


def without_discount(books: Books, code: str) -> None:
    """Removes a discount. Raises KeyError."""
    del books.discounts[code]


def discount_value(name: str, value: Any) -> Any:
    """A discount's field from JSON."""
    if value == "" or name not in DAYS | NUMBERS:
        return value
    return date.fromisoformat(value) if name in DAYS else number(value)


def lock_date(books: Books, day: date | None) -> None:
    """Closes the books for documents dated before a day; None opens them."""
    books.settings = books.settings.changed({"rules": {"lock_date": day}})
