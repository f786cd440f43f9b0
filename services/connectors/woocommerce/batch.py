"""Batch writes of up to 100 records, and the comparison of each echo with what was meant.

A write is only confirmed by its echo: WooCommerce answers 200 and may store something else, such as an empty sale
price, Uncategorized instead of an unknown category, a name without markup or a truncated stock (WooCommerce facts 13,
19 to 23).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import unescape
from typing import Any, Literal

from contracts.reasons import Reason
from services.connectors.woocommerce import php
from services.connectors.woocommerce.api import ShopApi
from services.connectors.woocommerce.product import Product, ProductWrite, read_product
from services.connectors.woocommerce.refusals import ItemError, read_item_error
from services.engine.outbox.upstream_errors import UnknownOutcome

LIMIT = 100
Action = Literal["create", "update"]


@dataclass(frozen=True, slots=True)
class Stored:
    """The shop stored the record; `json` is its echo, which `find_differences` compares with what was meant."""

    id: int
    json: dict[str, Any]


@dataclass(frozen=True, slots=True)
class NotStored:
    """The shop refused this record; the other records of the batch are not affected.

    `resource_id` is the existing product with the same SKU, if the shop names it: adopt that one. `sku_taken` without
    it: the product is in the trash or is being created at this moment (WooCommerce facts 15 to 17).
    """

    code: str
    message: str
    reason: Reason
    resource_id: int | None = None
    sku_taken: bool = False


ItemResult = Stored | NotStored


async def send_batch(
    api: ShopApi, route: str, action: Action, records: Sequence[Mapping[str, Any]]
) -> list[ItemResult]:
    """Write up to 100 records in one call; results are in the order of the request (WooCommerce fact 29).

    Raises ValueError above 100 records, and `UnknownOutcome` when results are missing.
    """
    if len(records) > LIMIT:
        raise ValueError(f"{len(records)} records in one batch: WooCommerce accepts {LIMIT}")
    if not records:
        return []
    answer = await api.write("POST", f"{route}/batch", {action: [dict(record) for record in records]})
    return _read_results(api.shop, answer.get(action), records)


def _read_results(shop: str, results: Any, records: Sequence[Mapping[str, Any]]) -> list[ItemResult]:
    if not isinstance(results, list) or len(results) != len(records):
        count = len(results) if isinstance(results, list) else "no"
        raise UnknownOutcome(f"shop {shop}: a batch of {len(records)} returned {count} results")
    return [_read_result(shop, record, result) for record, result in zip(records, results, strict=True)]


def _read_result(shop: str, record: Mapping[str, Any], result: Any) -> ItemResult:
    known = read_item_error(result.get("error")) if isinstance(result, dict) else None
    if known is not None:
        return _build_not_stored(f"shop {shop}: {_name_record(record)}", known)
    if isinstance(result, dict) and (id_ := php.whole(result.get("id"))) is not None and _is_echo(record, id_):
        return Stored(id_, result)
    raise UnknownOutcome(f"shop {shop}: {_name_record(record)}: the batch returned neither a record nor an error")


def _is_echo(record: Mapping[str, Any], id_: int | None) -> bool:
    return id_ is not None and id_ > 0 and record.get("id") in (None, id_)


def _build_not_stored(what: str, known: ItemError) -> NotStored:
    text = f"{what}: {known.code}: {known.message}"
    return NotStored(known.code, text, known.reason, known.resource_id, known.sku_taken)


def _name_record(record: Mapping[str, Any]) -> str:
    """`product 10`, or `new product with SKU A-1`."""
    return f"product {record['id']}" if record.get("id") else f"new product with SKU {record.get('sku') or '(none)'}"


UNCATEGORIZED = "the shop assigned other categories: does the mapped category still exist there?"
SALE_EMPTIED = "the shop empties a sale price that is not below the regular price"
STOCK_IGNORED = "the shop does not manage the stock of this product"
MARKUP = "the shop removed something from the text"
MINOR = frozenset({"name", "weight", "images"})
"""WordPress shortens texts, removes markup and backslashes, and replaces characters that its database cannot store;
plugins round weights and add images."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field whose stored value differs from the intended one, as texts. `hint` states the usual cause.

    `value` is the stored value in the form of a `Product`. A custom field is named `meta.KEY`.
    """

    field: str
    meant: str
    stored: str
    hint: str = ""
    value: Any = dataclasses.field(default=None, compare=False)

    @property
    def is_minor(self) -> bool:
        """Whether it affects neither what is sold, nor its price, nor its stock."""
        return self.field in MINOR

    def __str__(self) -> str:
        return f"{self.field}: meant {self.meant!r}, stored {self.stored!r}" + (f" ({self.hint})" if self.hint else "")


def find_differences(shop: str, meant: ProductWrite, echo: Mapping[str, Any]) -> tuple[Difference, ...]:
    """The differences between a write and its echo, or the record read later; empty if there are none.

    Raises `ReadError` when the echo cannot be read.
    """
    stored = read_product(shop, echo)
    return tuple(_compare(meant.to_fields(), stored))


def _compare(fields: Mapping[str, Any], stored: Product) -> Iterator[Difference]:
    for name, meant in fields.items():
        if name == "meta":
            yield from _compare_meta(meant or {}, stored)
            continue
        same, held, hint = _COMPARISONS[name](meant, stored)
        if not same:
            yield Difference(name, _format(meant), _format(held), hint, held)


def _format(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    return "" if value is None else str(value)


Comparison = Callable[[Any, Product], tuple[bool, Any, str]]
"""(intended value, stored record) → equal?, stored value, hint."""


def _compare_plain(attribute: str) -> Comparison:
    def compare(meant: Any, stored: Product) -> tuple[bool, Any, str]:
        held = getattr(stored, attribute)
        return held == meant, held, ""

    return compare


def _compare_text(attribute: str) -> Comparison:
    def compare(meant: str | None, stored: Product) -> tuple[bool, Any, str]:
        held = getattr(stored, attribute)
        return unescape(held).split() == unescape(meant or "").split(), held, MARKUP

    return compare


def _compare_sale_price(meant: Decimal | None, stored: Product) -> tuple[bool, Any, str]:
    return stored.sale_price == meant, stored.sale_price, SALE_EMPTIED if stored.sale_price is None else ""


def _compare_time(attribute: str) -> Comparison:
    def compare(meant: Any, stored: Product) -> tuple[bool, Any, str]:
        held = getattr(stored, attribute)
        return held == (meant.replace(microsecond=0) if meant else None), held, ""

    return compare


def _compare_weight(meant: Decimal | None, stored: Product) -> tuple[bool, Any, str]:
    return (stored.weight or 0) == (meant or 0), stored.weight, ""


def _compare_categories(meant: tuple[int, ...] | None, stored: Product) -> tuple[bool, Any, str]:
    """Additional categories are accepted: plugins add parents."""
    return set(meant or ()) <= set(stored.category_ids), stored.category_ids, UNCATEGORIZED


def _compare_stock(meant: Decimal | int | None, stored: Product) -> tuple[bool, Any, str]:
    return stored.stock_quantity == meant, stored.stock_quantity, "" if stored.manages_stock else STOCK_IGNORED


def _compare_images(meant: tuple[int | str, ...] | None, stored: Product) -> tuple[bool, Any, str]:
    """A URL has become an id, which could not be known before."""
    kept = {one for one in meant or () if isinstance(one, int)}
    same = len(stored.image_ids) == len(meant or ()) and kept <= set(stored.image_ids)
    return same, stored.image_ids, ""


def _compare_meta(meant: Mapping[str, str | None], stored: Product) -> Iterator[Difference]:
    for key, value in meant.items():
        held = stored.meta.get(key)
        if value != (php.text(held) if isinstance(held, int | Decimal) else held):
            yield Difference(f"meta.{key}", _format(value), _format(held), value=held)


_COMPARISONS: dict[str, Comparison] = {
    "name": _compare_text("name"),
    "sku": _compare_text("sku"),
    "type": _compare_plain("type"),
    "status": _compare_plain("status"),
    "regular_price": _compare_plain("regular_price"),
    "sale_price": _compare_sale_price,
    "sale_from": _compare_time("sale_from"),
    "sale_to": _compare_time("sale_to"),
    "weight": _compare_weight,
    "category_ids": _compare_categories,
    "manage_stock": _compare_plain("manages_stock"),
    "stock_quantity": _compare_stock,
    "stock_fraction": _compare_stock,
    "images": _compare_images,
}
