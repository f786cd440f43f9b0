"""Edits in the shop that a field's ownership keeps: told with the link, so that a person can see them (claim K21)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from contracts.catalog import KeptEdit, WrittenProduct
from services.catalog_importer.ownership import held_sale, plain_name, sale_of
from services.catalog_importer.price import Sale
from services.catalog_importer.product import Desired
from services.connectors.woocommerce.product import Product

Values = tuple[Any, Any, Any]
"""Of one field: what the shop holds, what we wrote there last, what Balance wants."""


def kept_edits(desired: Desired, owned: Desired, held: Product, base: WrittenProduct) -> tuple[KeptEdit, ...]:
    """The fields that somebody has edited since we wrote them, and that are left so although Balance wants another.

    A field that we never wrote was not edited: it was there before us, or is the storefront's from the start.
    """
    return tuple(_kept(desired, owned, held, base))


def _kept(desired: Desired, owned: Desired, held: Product, base: WrittenProduct) -> Iterator[KeptEdit]:
    for name, (there, last, meant) in _values(desired, held, base).items():
        if getattr(owned, name) is None and meant is not None and last is not None and there not in (last, meant):
            yield KeptEdit(
                field="category" if name == "category_ids" else name, in_shop=_text(there), in_balance=_text(meant)
            )


def _values(desired: Desired, held: Product, base: WrittenProduct) -> dict[str, Values]:
    """The fields of a product; a variation has neither name nor category of its own."""
    wrote_price = base.regular_price is not None
    found: dict[str, Values] = {
        "regular_price": (held.regular_price, base.regular_price, desired.regular_price),
        "sale": (held_sale(held), sale_of(base) if wrote_price else None, desired.sale),
        "weight": (held.weight or None, base.weight, desired.weight),
    }
    if held.is_variation:
        return found
    return found | {
        "name": (plain_name(held.name), plain_name(base.name), plain_name(desired.name)),
        "category_ids": (_categories(held, base), _set(base.category_ids), _set(desired.category_ids)),
    }


def _categories(held: Product, base: WrittenProduct) -> frozenset[int] | None:
    """Categories are a set to which others may add: ours count while they are there."""
    return _set(one for one in base.category_ids or () if one in held.category_ids) or _set(held.category_ids)


def _set(ids: Iterable[int] | None) -> frozenset[int] | None:
    return frozenset(ids or ()) or None


def _text(value: Any) -> str:
    if isinstance(value, Sale):
        window = " to ".join(f"{edge:%Y-%m-%d %H:%M}" if edge else "…" for edge in (value.starts, value.ends))
        return "" if value.price is None else f"{value.price:f} ({window})"
    if isinstance(value, frozenset):
        return ", ".join(map(str, sorted(value)))
    return "" if value is None else f"{value:f}" if hasattr(value, "as_tuple") else str(value)
