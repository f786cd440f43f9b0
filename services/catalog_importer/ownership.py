"""Who owns a field of an existing product: Balance, or the shop's staff (claim S0.16).

- `always`: Balance's value is written.
- `if-empty`: it is written only if the shop has no value.
- `if-unchanged`: it is written only if the shop still has the value written last; an edit by hand is kept.
- `never`: the field belongs to the shop's staff.

A value that equals the shop's may always be sent: it changes nothing, and saves the product (see `price.py`). Edits
that are kept although Balance has another value are part of the link, so that a person can see them (claim K21).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from contracts.catalog import KeptEdit, WrittenProduct
from services.accounting.catalogue.eligibility import normalize_name, same_sku
from services.accounting.catalogue.price import NO_SALE, SalePrice
from services.catalog_importer.product import DesiredProduct
from services.connectors.woocommerce.product import Product
from services.settings.catalogue import FieldOwnership, Ownership

OF_PARENT = ("name", "category_ids")
"""A variation has neither: its parent has them."""


def may_write(owner: Ownership, meant: Any, held: Any, base: Any, empty: Any = None) -> bool:
    """Return whether `meant` may replace the shop's value `held`, when `base` was written last."""
    if owner == "never":
        return False
    return (
        owner == "always"
        or held == meant
        or (owner == "if-empty" and held == empty)
        or (owner == "if-unchanged" and held == base)
    )


def select_writable(
    desired: DesiredProduct, owners: FieldOwnership, held: Product, base: WrittenProduct
) -> DesiredProduct:
    """Return the desired fields that may be written to this product; `base` is what was written last."""
    allowed = {
        "name": may_write(
            owners.name, normalize_name(desired.name), normalize_name(held.name), normalize_name(base.name)
        ),
        "regular_price": may_write(owners.regular_price, desired.regular_price, held.regular_price, base.regular_price),
        "sale": may_write(owners.sale_price, desired.sale, sale_in_shop(held), last_written_sale(base), NO_SALE),
        "weight": may_write(owners.weight, desired.weight, held.weight or None, base.weight),
        "category_ids": _may_write_categories(desired.category_ids, owners.category, held, base),
    }
    dropped = {name: None for name, may in allowed.items() if not may or (held.is_variation and name in OF_PARENT)}
    return desired.model_copy(update={**dropped, "sku": _sku(desired.sku, held, base)})


def _sku(meant: str | None, held: Product, base: WrittenProduct) -> str | None:
    """A changed SKU is written only if the shop still has the one that was written or adopted (claim S3.5).

    The shop's spelling of the same SKU is kept: letter case does not matter.
    """
    if meant is None or same_sku(meant) == same_sku(held.sku):
        return held.sku if meant else None
    return meant if base.sku and same_sku(base.sku) == same_sku(held.sku) else None


def sale_in_shop(held: Product) -> SalePrice:
    """Return the sale price in the shop; an unreadable value differs from any that was written."""
    return NO_SALE.model_copy(update={"price": held.sale_price, "starts": held.sale_from, "ends": held.sale_to})


def last_written_sale(base: WrittenProduct) -> SalePrice:
    """Return the sale price that was written last."""
    return SalePrice(price=base.sale_price, starts=base.sale_from, ends=base.sale_to)


def _may_write_categories(meant: tuple[int, ...] | None, owner: Ownership, held: Product, base: WrittenProduct) -> bool:
    """The shop's staff may add categories: ours are unchanged while the product still has them."""
    last, there = set(base.category_ids or ()), set(held.category_ids)
    if not meant or (there.issuperset(meant) and not (last - {*meant}) & there):
        return False
    return may_write(owner, {*meant}, last & there or there, last, set())


def merge_categories(meant: Sequence[int], held: Product, base: WrittenProduct) -> tuple[int, ...]:
    """Return the product's categories after the write: ours change, those that others added are kept (claim S4.17)."""
    others = (one for one in held.category_ids if one not in (base.category_ids or ()) and one not in meant)
    return (*others, *meant)


FieldValues = tuple[Any, Any, Any]
"""Of one field: the shop's value, the value written last, and Balance's value."""


def find_kept_edits(
    desired: DesiredProduct, owned: DesiredProduct, held: Product, base: WrittenProduct
) -> tuple[KeptEdit, ...]:
    """Return the fields edited in the shop since they were written, that are kept although Balance differs.

    A field that was never written counts as not edited: it existed before, or belongs to the shop's staff.
    """
    return tuple(_find_kept(desired, owned, held, base))


def _find_kept(
    desired: DesiredProduct, owned: DesiredProduct, held: Product, base: WrittenProduct
) -> Iterator[KeptEdit]:
    for name, (there, last, meant) in _values(desired, held, base).items():
        if getattr(owned, name) is None and meant is not None and last is not None and there not in (last, meant):
            yield KeptEdit(
                field="category" if name == "category_ids" else name, in_shop=_text(there), in_balance=_text(meant)
            )


def _values(desired: DesiredProduct, held: Product, base: WrittenProduct) -> dict[str, FieldValues]:
    """The fields of a product; a variation has neither name nor category of its own."""
    wrote_price = base.regular_price is not None
    found: dict[str, FieldValues] = {
        "regular_price": (held.regular_price, base.regular_price, desired.regular_price),
        "sale": (sale_in_shop(held), last_written_sale(base) if wrote_price else None, desired.sale),
        "weight": (held.weight or None, base.weight, desired.weight),
    }
    if held.is_variation:
        return found
    return found | {
        "name": (normalize_name(held.name), normalize_name(base.name), normalize_name(desired.name)),
        "category_ids": (_categories(held, base), _set(base.category_ids), _set(desired.category_ids)),
    }


def _categories(held: Product, base: WrittenProduct) -> frozenset[int] | None:
    """Categories are a set to which others may add: ours count while they are there."""
    return _set(one for one in base.category_ids or () if one in held.category_ids) or _set(held.category_ids)


def _set(ids: Iterable[int] | None) -> frozenset[int] | None:
    return frozenset(ids or ()) or None


def _text(value: Any) -> str:
    if isinstance(value, SalePrice):
        window = " to ".join(f"{edge:%Y-%m-%d %H:%M}" if edge else "…" for edge in (value.starts, value.ends))
        return "" if value.price is None else f"{value.price:f} ({window})"
    if isinstance(value, frozenset):
        return ", ".join(map(str, sorted(value)))
    return "" if value is None else f"{value:f}" if hasattr(value, "as_tuple") else str(value)
