"""Where an item goes in a shop: a new product, one that has its SKU already, the one it is linked to, or nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from contracts.catalog import FurtherProduct, KeptEdit, StoredOtherwise, WrittenProduct
from contracts.reasons import Reason
from services.catalog_importer.drift import kept_edits
from services.catalog_importer.eligibility import Skip
from services.catalog_importer.ownership import categories, owned
from services.catalog_importer.payload import ProductPayload
from services.catalog_importer.product import creation, values, written
from services.catalog_importer.product_match import TRASH, Match, Wanted, carried_uid, in_trash, match
from services.catalog_importer.retirement import restored, retired
from services.catalog_importer.translations import FurtherChange, further_change
from services.connectors.woocommerce.product import Product
from services.connectors.woocommerce.product_write import ProductWrite
from services.settings.shop import ShopSettings


@dataclass(frozen=True, slots=True)
class Change:
    """What shall be written, and what we will have written last afterwards. `product` is None for a new one.

    `kept` are the edits in the shop that stay, `further` the changes of the item's translations, `stored_otherwise` the
    texts that the shop stored in another form, once it was written.
    """

    action: Literal["create", "adopt", "update"]
    product: Product | None
    write: ProductWrite
    written: WrittenProduct
    kept: tuple[KeptEdit, ...] = ()
    further: tuple[FurtherChange, ...] = ()
    stored_otherwise: tuple[StoredOtherwise, ...] = ()


@dataclass(frozen=True, slots=True)
class Gone:
    """The linked product is not in the shop any more."""

    product_id: int


Placement = Change | Skip | Gone
Held = Mapping[int, Product | None]
"""Products by id; None where the shop does not have one any more."""


def place(
    payload: ProductPayload,
    found: Sequence[Product],
    linked: Product | None,
    shop: ShopSettings,
    further: Held | None = None,
) -> Placement:
    """`found` are the shop's products with the item's SKU in every status; `linked` is the one it is linked to, and
    `further` are the further ones of its link."""
    if payload.link is not None:
        return _update(payload, linked, shop, further or {}) if linked else Gone(payload.link.product_id)
    found_match = match(Wanted(payload.item, payload.nature.sku or "", shop.catalogue.meta_key), found)
    if isinstance(found_match, Skip):
        return found_match
    return _adopt(payload, found_match, shop) if found_match else _new(payload, shop)


def _adopt(payload: ProductPayload, found: Match, shop: ShopSettings) -> Change:
    new = [_further(product) for product in found.translations]
    held = {product.id: product for product in found.translations}
    return _with_further(_change("adopt", payload, found.product, shop), payload, new, held, shop)


def _further(product: Product) -> FurtherProduct:
    return FurtherProduct(product_id=product.id, parent_id=product.parent_id, sku=product.sku)


def _update(payload: ProductPayload, linked: Product, shop: ShopSettings, held: Held) -> Placement:
    if linked.status == TRASH and not payload.desired.retired:
        return in_trash(payload.nature.sku or linked.sku, linked)
    retires = payload.desired.retired
    change = _retire(payload, linked) if retires else _change("update", payload, linked, shop)
    return _with_further(change, payload, payload.link.further if payload.link else (), held, shop)


def _with_further(
    change: Change, payload: ProductPayload, further: Sequence[FurtherProduct], held: Held, shop: ShopSettings
) -> Change:
    """The change with those of the further products; one that the shop does not have any more is left out."""
    found = [(one, product) for one in further if (product := held.get(one.product_id))]
    return replace(change, further=tuple(further_change(payload, one, product, shop) for one, product in found))


def _retire(payload: ProductPayload, held: Product) -> Change:
    fields = retired(held)
    before = held.status if fields else payload.base.retired_from
    base = payload.base.model_copy(update={"digest": payload.digest, "retired_from": before})
    return Change("update", held, ProductWrite(id=held.id, **fields), base)


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
    fields = values(ours) | restored(held, payload.base.retired_from)
    if ours.category_ids is not None:
        fields["category_ids"] = categories(ours.category_ids, held, payload.base)
    if ours.sku == held.sku:
        del fields["sku"]
    meta_key = shop.catalogue.meta_key
    if payload.desired.sku is not None and carried_uid(held, meta_key) != payload.item.casefold():
        fields["meta"] = fields.get("meta", {}) | {meta_key: payload.item}
    after, kept = written(ours, payload.base, payload.digest), kept_edits(payload.desired, ours, held, payload.base)
    return Change(action, held, ProductWrite(id=held.id, **fields), after, kept)


def _untouched(payload: ProductPayload) -> WrittenProduct:
    """Nothing was written; this change was looked at."""
    return payload.base.model_copy(update={"digest": payload.digest})
