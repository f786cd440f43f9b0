"""A write is believed when its echo says so: WooCommerce answers 200 and stores something else.

Recorded: an emptied sale price, an unknown category become Uncategorized, markup cut out of names, coerced stock.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from html import unescape
from typing import Any

from services.connectors.woocommerce import php
from services.connectors.woocommerce.product import Product, read_product
from services.connectors.woocommerce.product_write import ProductWrite

UNCATEGORIZED = "the shop put it into other categories: does the mapped category still exist there?"
SALE_EMPTIED = "the shop empties a sale price that is not below the regular price"
STOCK_IGNORED = "the shop does not manage this product's stock"
MARKUP = "the shop cut something out of the text"
MINOR = frozenset({"name", "weight", "images"})
"""WordPress shortens texts, removes markup and backslashes, and replaces letters that its database cannot hold; plugins
round weights and add pictures."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that was stored otherwise than meant, as texts. `hint` says why that usually happens.

    `value` is what the shop stored, as a `Product` holds it. A custom field is named `meta.KEY`.
    """

    field: str
    meant: str
    stored: str
    hint: str = ""
    value: Any = dataclasses.field(default=None, compare=False)

    @property
    def is_minor(self) -> bool:
        """Whether it decides nothing about what is sold, for how much, and how many there are."""
        return self.field in MINOR

    def __str__(self) -> str:
        return f"{self.field}: meant {self.meant!r}, stored {self.stored!r}" + (f" ({self.hint})" if self.hint else "")


def differences(shop: str, meant: ProductWrite, echo: Mapping[str, Any]) -> tuple[Difference, ...]:
    """What the echo of a write (or the record read later) holds otherwise than meant; empty when all is as meant.

    Raises `ReadError` when the echo cannot be understood.
    """
    stored = read_product(shop, echo)
    return tuple(_differences(meant.given(), stored))


def _differences(given: Mapping[str, Any], stored: Product) -> Iterator[Difference]:
    for name, meant in given.items():
        if name == "meta":
            yield from _meta(meant or {}, stored)
            continue
        same, held, hint = _RULES[name](meant, stored)
        if not same:
            yield Difference(name, _shown(meant), _shown(held), hint, held)


def _shown(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    return "" if value is None else str(value)


Rule = Callable[[Any, Product], tuple[bool, Any, str]]
"""(meant, stored record) → the same?, what is stored, hint."""


def _plain(attribute: str) -> Rule:
    def rule(meant: Any, stored: Product) -> tuple[bool, Any, str]:
        held = getattr(stored, attribute)
        return held == meant, held, ""

    return rule


def _text(attribute: str) -> Rule:
    def rule(meant: str | None, stored: Product) -> tuple[bool, Any, str]:
        held = getattr(stored, attribute)
        return unescape(held).split() == unescape(meant or "").split(), held, MARKUP

    return rule


def _sale_price(meant: Decimal | None, stored: Product) -> tuple[bool, Any, str]:
    return stored.sale_price == meant, stored.sale_price, SALE_EMPTIED if stored.sale_price is None else ""


def _time(attribute: str) -> Rule:
    def rule(meant: Any, stored: Product) -> tuple[bool, Any, str]:
        held = getattr(stored, attribute)
        return held == (meant.replace(microsecond=0) if meant else None), held, ""

    return rule


def _weight(meant: Decimal | None, stored: Product) -> tuple[bool, Any, str]:
    return (stored.weight or 0) == (meant or 0), stored.weight, ""


def _categories(meant: tuple[int, ...] | None, stored: Product) -> tuple[bool, Any, str]:
    """Further categories are no difference: shops let plugins add parents."""
    return set(meant or ()) <= set(stored.category_ids), stored.category_ids, UNCATEGORIZED


def _stock(meant: Decimal | int | None, stored: Product) -> tuple[bool, Any, str]:
    return stored.stock_quantity == meant, stored.stock_quantity, "" if stored.manages_stock else STOCK_IGNORED


def _images(meant: tuple[int | str, ...] | None, stored: Product) -> tuple[bool, Any, str]:
    """An address has become an id, which nobody could know before."""
    kept = {one for one in meant or () if isinstance(one, int)}
    same = len(stored.image_ids) == len(meant or ()) and kept <= set(stored.image_ids)
    return same, stored.image_ids, ""


def _meta(meant: Mapping[str, str | None], stored: Product) -> Iterator[Difference]:
    for key, value in meant.items():
        held = stored.meta.get(key)
        if value != (php.text(held) if isinstance(held, int | Decimal) else held):
            yield Difference(f"meta.{key}", _shown(value), _shown(held), value=held)


_RULES: dict[str, Rule] = {
    "name": _text("name"),
    "sku": _text("sku"),
    "type": _plain("type"),
    "status": _plain("status"),
    "regular_price": _plain("regular_price"),
    "sale_price": _sale_price,
    "sale_from": _time("sale_from"),
    "sale_to": _time("sale_to"),
    "weight": _weight,
    "category_ids": _categories,
    "manage_stock": _plain("manages_stock"),
    "stock_quantity": _stock,
    "stock_fraction": _stock,
    "images": _images,
}
