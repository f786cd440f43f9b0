"""Discounts of Balance (Balance fact 30): a percentage off, or a price, for items or whole groups within a window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from contracts.money import to_tetri
from services.connectors.balance.fields import (
    FieldInvalid,
    Row,
    flag,
    moment,
    needed_reference,
    number,
    reading_row,
    tabular,
    text,
)
from services.engine.clock import TBILISI
from services.settings.balance import DiscountSettings

WHOLE = Decimal(100)


@dataclass(frozen=True, slots=True)
class Discount:
    """`percent` off, or the `price` itself. It holds from `starts` until `ends` (UTC). No items: all goods."""

    code: str
    items: tuple[str, ...]
    percent: Decimal | None = None
    price: Decimal | None = None
    starts: datetime | None = None
    ends: datetime | None = None

    def of(self, price: Decimal) -> Decimal:
        """The discounted price in whole tetri."""
        return to_tetri(price * (WHOLE - (self.percent or 0)) / WHOLE if self.price is None else self.price)

    def __str__(self) -> str:
        return f"{self.code} {self.percent} {self.price} {self.starts} {self.ends}"


def discount(row: Row, rules: DiscountSettings) -> Discount | None:
    """The discount in a row; None for one that is not active, or that a sale price cannot express.

    A condition (so much bought) and a weekly schedule cannot be expressed: to sell for less than Balance would is
    worse than to leave them out. Raises `RowInvalid` for one that cannot be right.
    """
    code = text(row, "Code")
    with reading_row(rules.resource, code):
        if not flag(row, "IsActive") or _conditional(row, rules) or tabular(row, "Schedule"):
            return None
        percent, price = _amounts(row, rules)
        if percent is None and price is None:
            return None
        starts, ends = _window(row, rules)
        items = _items(row, rules)
        return Discount(code or "without code", items, None if price is not None else percent, price, starts, ends)


def _conditional(row: Row, rules: DiscountSettings) -> bool:
    condition = text(row, "DiscountCondition")
    return condition is not None and condition not in rules.unconditional


def _amounts(row: Row, rules: DiscountSettings) -> tuple[Decimal | None, Decimal | None]:
    percent, price = number(row, "Percentage"), number(row, "SpecialPrice") if rules.special_price else None
    if percent is not None and percent != 0 and not 0 < percent < WHOLE:
        raise FieldInvalid("Percentage", f"is {percent:f}; it must lie between 0 and 100")
    if price is not None and price < 0:
        raise FieldInvalid("SpecialPrice", f"is {price:f}")
    return percent or None, price or None


def _window(row: Row, rules: DiscountSettings) -> tuple[datetime | None, datetime | None]:
    starts, ends = moment(row, "StartDate"), _until(moment(row, "EndDate"))
    if starts is None and ends is None and not rules.dateless:
        raise FieldInvalid("StartDate", "and EndDate are empty; balance.discounts.dateless takes such discounts")
    if starts is not None and ends is not None and ends <= starts:
        raise FieldInvalid("EndDate", "lies before StartDate")
    return starts, ends


def _until(day: datetime | None) -> datetime | None:
    """The end of the last day; an end with a time of day is exact."""
    midnight = day is not None and day.astimezone(TBILISI).time().isoformat() == "00:00:00"
    return day + timedelta(days=1) if day is not None and midnight else day


def _items(row: Row, rules: DiscountSettings) -> tuple[str, ...]:
    found = tuple(needed_reference(line, "Item") for line in tabular(row, "Items"))
    if not found and not rules.all_goods:
        raise FieldInvalid("Items", "is empty, which means all goods; balance.discounts.all-goods takes such discounts")
    return tuple(dict.fromkeys(found))
