"""Where an item goes in a shop: a new product, one that has its SKU already, the one it is linked to, or nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from contracts.catalog import KeptEdit, WrittenProduct
from contracts.reasons import Reason
from services.catalog_importer.drift import kept_edits
from services.catalog_importer.eligibility import Skip
from services.catalog_importer.ownership import categories, owned
from services.catalog_importer.payload import ProductPayload
from services.catalog_importer.product import creation, values, written
from services.catalog_importer.retirement import restored, retired
from services.shared.settings.shop import ShopSettings
from services.shared.woocommerce.product import Product
from services.shared.woocommerce.product_write import ProductWrite

TRASH = "trash"
NOT_SOLD = frozenset({"variable", "grouped"})
"""Types that only hold others: a variation, or a member, is what is sold and priced."""


@dataclass(frozen=True, slots=True)
class Change:
    """What shall be written, and what we will have written last afterwards. `product` is None for a new one.

    `kept` are the edits in the shop that stay.
    """

    action: Literal["create", "adopt", "update"]
    product: Product | None
    write: ProductWrite
    written: WrittenProduct
    kept: tuple[KeptEdit, ...] = ()


@dataclass(frozen=True, slots=True)
class Gone:
    """The linked product is not in the shop any more."""

    product_id: int


Placement = Change | Skip | Gone


def place(payload: ProductPayload, found: Sequence[Product], linked: Product | None, shop: ShopSettings) -> Placement:
    """`found` are the shop's products with the item's SKU in every status; `linked` is the one it is linked to."""
    if payload.link is not None:
        return _update(payload, linked, shop) if linked else Gone(payload.link.product_id)
    match = _match(payload, found, shop.catalogue.meta_key)
    if isinstance(match, Skip):
        return match
    return _change("adopt", payload, match, shop) if match else _new(payload, shop)


def _update(payload: ProductPayload, linked: Product, shop: ShopSettings) -> Placement:
    if payload.desired.retired:
        return _retire(payload, linked)
    return _in_trash(payload, linked) if linked.status == TRASH else _change("update", payload, linked, shop)


def _retire(payload: ProductPayload, held: Product) -> Change:
    fields = retired(held)
    before = held.status if fields else payload.base.retired_from
    base = payload.base.model_copy(update={"digest": payload.digest, "retired_from": before})
    return Change("update", held, ProductWrite(id=held.id, **fields), base)


def _match(payload: ProductPayload, found: Sequence[Product], meta_key: str) -> Product | Skip | None:
    """The product to adopt (claims S0.31, K22): the one that carries the item's uid, else the only one with the SKU."""
    ours = [product for product in found if _uid(product, meta_key) == payload.item.casefold()]
    alive = [product for product in found if product.status != TRASH]
    match ours or alive or found:
        case []:
            return None
        case [product]:
            return _check(payload, product, meta_key)
        case several:
            return _ambiguous(payload, several)


def _check(payload: ProductPayload, product: Product, meta_key: str) -> Product | Skip:
    if product.status == TRASH:
        return _in_trash(payload, product)
    uid = _uid(product, meta_key)
    if uid and uid != payload.item.casefold():
        detail = f"product {product.id} has SKU {payload.nature.sku} but belongs to item {uid} ({meta_key})"
        return Skip(Reason.PRODUCT_OF_OTHER_ITEM, f"{detail}; give the item another SKU, or remove that custom field")
    if product.type in NOT_SOLD:
        detail = f"product {product.id} with SKU {payload.nature.sku} is {product.type} and not sold itself"
        return Skip(Reason.PRODUCT_SKU_AMBIGUOUS, f"{detail}; give the SKU to what is sold, e.g. its variation")
    return product


def _uid(product: Product, meta_key: str) -> str:
    return str(product.meta.get(meta_key) or "").strip().casefold()


def _in_trash(payload: ProductPayload, product: Product) -> Skip:
    detail = f"product {product.id} with SKU {payload.nature.sku} lies in the shop's trash"
    return Skip(Reason.PRODUCT_IN_TRASH, f"{detail}; restore it, or delete it for good to have a new draft made")


def _ambiguous(payload: ProductPayload, several: Iterable[Product]) -> Skip:
    ids = ", ".join(f"#{product.id}" for product in several)
    detail = f"products {ids} share SKU {payload.nature.sku}; leave the SKU to one of them"
    return Skip(Reason.PRODUCT_SKU_AMBIGUOUS, detail)


def _new(payload: ProductPayload, shop: ShopSettings) -> Change | Skip:
    if shop.fields.stock_only:
        detail = f"no product has SKU {payload.nature.sku}, and preset stock-only makes none"
        return Skip(
            Reason.PRODUCT_NOT_MADE, f"{detail}; make it in the shop under this SKU, it is looked for every day"
        )
    write = creation(payload.desired, payload.item, shop.catalogue.meta_key)
    return Change("create", None, write, written(payload.desired, None, payload.digest))


def _change(action: Literal["adopt", "update"], payload: ProductPayload, held: Product, shop: ShopSettings) -> Change:
    """Only the fields that Balance owns; never the status (claim S1.13), unless to undo what we did to it. The uid goes
    with the catalogue's fields."""
    if shop.fields.stock_only:
        return Change(action, held, ProductWrite(id=held.id), _untouched(payload))
    ours = owned(payload.desired, shop.fields, held, payload.base)
    fields = values(ours) | restored(held, payload.base)
    if ours.category_ids is not None:
        fields["category_ids"] = categories(ours.category_ids, held, payload.base)
    if ours.sku == held.sku:
        del fields["sku"]
    meta_key = shop.catalogue.meta_key
    if payload.desired.sku is not None and _uid(held, meta_key) != payload.item.casefold():
        fields["meta"] = fields.get("meta", {}) | {meta_key: payload.item}
    after, kept = written(ours, payload.base, payload.digest), kept_edits(payload.desired, ours, held, payload.base)
    return Change(action, held, ProductWrite(id=held.id, **fields), after, kept)


def _untouched(payload: ProductPayload) -> WrittenProduct:
    """Nothing was written; this change was looked at."""
    return payload.base.model_copy(update={"digest": payload.digest})
