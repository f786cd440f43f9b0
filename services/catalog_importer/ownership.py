"""Who owns a field of a product that exists already: Balance, the storefront, or whoever wrote it last (claim S0.16).

- `always`: Balance's value is written.
- `if-empty`: it is written only where the shop has nothing.
- `if-unchanged`: it is written only where the shop still holds what we wrote last; what was edited by hand stays.
- `never`: the field is the storefront's.

A value that the shop holds already may always be sent: that changes nothing, and saves the product (see `price.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from html import unescape
from typing import Any

from contracts.catalog import WrittenProduct
from services.catalog_importer.eligibility import same_sku
from services.catalog_importer.price import NO_SALE, Sale
from services.catalog_importer.product import Desired
from services.connectors.woocommerce.product import Product
from services.settings.catalogue import FieldOwnership, Ownership

OF_PARENT = ("name", "category_ids")
"""A variation has neither: its parent has them."""


def writable(owner: Ownership, meant: Any, held: Any, base: Any, empty: Any = None) -> bool:
    """Whether `meant` may replace what the shop holds, given what we wrote there last (`base`)."""
    if owner == "never":
        return False
    return (
        owner == "always"
        or held == meant
        or (owner == "if-empty" and held == empty)
        or (owner == "if-unchanged" and held == base)
    )


def owned(desired: Desired, owners: FieldOwnership, held: Product, base: WrittenProduct) -> Desired:
    """The part of the desired fields that may be written to this product; `base` is what we wrote last."""
    judged = {
        "name": writable(owners.name, plain_name(desired.name), plain_name(held.name), plain_name(base.name)),
        "regular_price": writable(owners.regular_price, desired.regular_price, held.regular_price, base.regular_price),
        "sale": writable(owners.sale_price, desired.sale, held_sale(held), sale_of(base), NO_SALE),
        "weight": writable(owners.weight, desired.weight, held.weight or None, base.weight),
        "category_ids": _categories(desired.category_ids, owners.category, held, base),
    }
    dropped = {name: None for name, may in judged.items() if not may or (held.is_variation and name in OF_PARENT)}
    return desired.model_copy(update={**dropped, "sku": _sku(desired.sku, held, base)})


def _sku(meant: str | None, held: Product, base: WrittenProduct) -> str | None:
    """A changed SKU follows Balance only where the shop still holds the one that we wrote or adopted (claim S3.5).

    The shop's own spelling of the same SKU stays: letter case means nothing to it.
    """
    if meant is None or same_sku(meant) == same_sku(held.sku):
        return held.sku if meant else None
    return meant if base.sku and same_sku(base.sku) == same_sku(held.sku) else None


def plain_name(text: str | None) -> str | None:
    """A name as it is compared: the shop keeps `&` as `&amp;`."""
    return " ".join(unescape(text).split()) or None if text else None


def held_sale(held: Product) -> Sale:
    """The sale that the shop holds; one that cannot be read is another than any of ours."""
    return NO_SALE.model_copy(update={"price": held.sale_price, "starts": held.sale_from, "ends": held.sale_to})


def sale_of(base: WrittenProduct) -> Sale:
    """The sale that we wrote last."""
    return Sale(price=base.sale_price, starts=base.sale_from, ends=base.sale_to)


def _categories(meant: tuple[int, ...] | None, owner: Ownership, held: Product, base: WrittenProduct) -> bool:
    """Categories are a set to which others may add: ours are unchanged while they are still among them."""
    last, there = set(base.category_ids or ()), set(held.category_ids)
    if not meant or (there.issuperset(meant) and not (last - {*meant}) & there):
        return False
    return writable(owner, {*meant}, last & there or there, last, set())


def categories(meant: Sequence[int], held: Product, base: WrittenProduct) -> tuple[int, ...]:
    """All categories of the product afterwards: ours move, those that others added stay (claim S4.17)."""
    of_others = (one for one in held.category_ids if one not in (base.category_ids or ()) and one not in meant)
    return (*of_others, *meant)
