"""Which product of a shop belongs to an item: one rule for adoption, `links rebuild` and `links import`.

Ambiguity is refused with the ids of all candidates: two products with one SKU, a copy that contains the item's uid too
("Duplicate product"), a variable product and its variation. Only translations of one product are not ambiguous: the
multilingual plugin identifies them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from contracts.model import Uid
from contracts.reasons import Reason
from services.accounting.catalogue.eligibility import Skip, same_sku
from services.connectors.woocommerce.product import Product

TRASH = "trash"
CONTAINER_TYPES = frozenset({"variable", "grouped"})
"""Types that only contain others: a variation, or a member, is what is sold and priced."""


@dataclass(frozen=True, slots=True)
class MatchQuery:
    """The item whose product is searched; `meta_key` is the custom field of a product that contains an item's uid."""

    item: Uid
    sku: str
    meta_key: str


@dataclass(frozen=True, slots=True)
class ProductMatch:
    """The product of an item, and its translations, which are further products of the item."""

    product: Product
    translations: tuple[Product, ...] = ()


def match_product(wanted: MatchQuery, candidates: Iterable[Product]) -> ProductMatch | Skip | None:
    """Return the product to link (claims S0.31, K22); None without a candidate, `Skip` if a person must decide.

    Candidates have the item's SKU or its uid, in any status. Products with the uid take precedence, and so do products
    outside the trash.
    """
    found = sorted(candidates, key=lambda product: product.id)
    marked = [product for product in found if item_uid_in(product, wanted.meta_key) == wanted.item.casefold()]
    chosen = _alive(marked) or marked or _alive(found) or found
    if not chosen:
        return None
    if _sku_elsewhere(wanted, chosen, found):
        return _ambiguous(wanted, _alive(found))
    if len(chosen) > 1 and not are_translations(chosen):
        return _ambiguous(wanted, chosen)
    refused = next((skip for skip in (_refused(wanted, product) for product in chosen) if skip), None)
    return refused or ProductMatch(chosen[0], tuple(chosen[1:]))


def _alive(products: Iterable[Product]) -> list[Product]:
    return [product for product in products if product.status != TRASH]


def _sku_elsewhere(wanted: MatchQuery, chosen: Sequence[Product], found: Sequence[Product]) -> bool:
    """Whether the products with the uid have another SKU, while one without it has the item's SKU."""
    if any(same_sku(product.sku) == same_sku(wanted.sku) for product in chosen):
        return False
    return any(same_sku(product.sku) == same_sku(wanted.sku) for product in _alive(found))


def are_translations(products: Sequence[Product]) -> bool:
    """Return whether each product lists each other one as its translation.

    WooCommerce Multilingual (WPML) and Polylang add `lang` and `translations` to products (their REST documentation).
    """
    return all(
        one.language != other.language and one.translations.get(other.language) == other.id
        for one in products
        for other in products
        if one.id != other.id
    )


def _refused(wanted: MatchQuery, product: Product) -> Skip | None:
    """Why a candidate cannot be the item's product."""
    if product.status == TRASH:
        return skip_trashed(wanted.sku, product)
    uid = item_uid_in(product, wanted.meta_key)
    if uid and uid != wanted.item.casefold():
        detail = f"product {product.id} has SKU {product.sku} but belongs to item {uid} ({wanted.meta_key})"
        return Skip(Reason.PRODUCT_OF_OTHER_ITEM, f"{detail}; give the item another SKU, or remove that custom field")
    if product.type in CONTAINER_TYPES:
        detail = f"product {product.id} with SKU {product.sku} is {product.type} and not sold itself"
        return Skip(Reason.PRODUCT_SKU_AMBIGUOUS, f"{detail}; give the SKU to what is sold, e.g. its variation")
    return None


def item_uid_in(product: Product, meta_key: str) -> str:
    """Return the item's uid in a product's custom field, in lower case; empty if it has none."""
    return str(product.meta.get(meta_key) or "").strip().casefold()


def skip_trashed(sku: str, product: Product) -> Skip:
    """Return the skip of an item whose product is in the trash: it is not written, and no other one is created."""
    detail = f"product {product.id} with SKU {sku} is in the shop's trash"
    return Skip(Reason.PRODUCT_IN_TRASH, f"{detail}; restore it, or delete it permanently to get a new draft")


def _ambiguous(wanted: MatchQuery, candidates: Sequence[Product]) -> Skip:
    products = ", ".join(_describe(product, wanted) for product in candidates)
    same = all(same_sku(product.sku) == same_sku(wanted.sku) for product in candidates)
    found = f"products {products} share SKU {wanted.sku}" if same else f"products {products} could all be this item"
    fix = f"keep SKU and uid on one of them only, or choose one: davtari links add {wanted.item} PRODUCT"
    return Skip(Reason.PRODUCT_SKU_AMBIGUOUS, f"{found}; {fix}")


def _describe(product: Product, wanted: MatchQuery) -> str:
    marks = [] if same_sku(product.sku) == same_sku(wanted.sku) else [f"SKU {product.sku or 'none'}"]
    marks += [f"variation of #{product.parent_id}"] if product.is_variation else []
    marks += [product.type] if product.type in CONTAINER_TYPES else []
    marks += [f"{wanted.meta_key} {uid}"] if (uid := item_uid_in(product, wanted.meta_key)) else []
    return f"#{product.id} ({', '.join(marks)})" if marks else f"#{product.id}"
