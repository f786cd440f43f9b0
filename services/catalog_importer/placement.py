"""Where an item goes in a shop: a new product, one that has its SKU already, the one it is linked to, or nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from contracts.catalog import FurtherProduct, KeptEdit, StoredOtherwise, WrittenProduct
from contracts.reasons import Reason
from services.catalog_importer.eligibility import Skip
from services.catalog_importer.ownership import find_kept_edits, merge_categories, select_writable
from services.catalog_importer.product import ProductPayload, build_creation, record_written, write_fields
from services.catalog_importer.product_match import (
    TRASH,
    MatchQuery,
    ProductMatch,
    item_uid_in,
    match_product,
    skip_trashed,
)
from services.connectors.woocommerce.product import Product
from services.connectors.woocommerce.product_write import ProductWrite
from services.settings.shop import ShopSettings

# Further products of an item in one shop, its translations: prices, weight and retirement reach them too.
#
# Name, SKU and categories stay as they are: they are in another language, or belong to the multilingual plugin.

OF_ITS_OWN = {"name": None, "sku": None, "category_ids": None}


@dataclass(frozen=True, slots=True)
class TranslationChange:
    """What shall be written to a further product, and how it stands in the link afterwards."""

    product: Product
    write: ProductWrite
    after: FurtherProduct


def change_translation(
    payload: ProductPayload, one: FurtherProduct, held: Product, shop: ShopSettings
) -> TranslationChange:
    """The change of one further product; one in the trash is left as it is."""
    fields: dict[str, Any] = {}
    retired_from = one.retired_from
    if held.status != TRASH and payload.desired.retired:
        fields = retire_fields(held)
        retired_from = held.status if fields else one.retired_from
    elif held.status != TRASH:
        fields, retired_from = _fields(payload, one, held, shop), None
    after = {"sku": held.sku, "digest": payload.digest, "retired_from": retired_from}
    return TranslationChange(held, ProductWrite(id=held.id, **fields), one.model_copy(update=after))


def _fields(payload: ProductPayload, one: FurtherProduct, held: Product, shop: ShopSettings) -> dict[str, Any]:
    if shop.fields.stock_only:
        return {}
    ours = select_writable(payload.desired.model_copy(update=OF_ITS_OWN), shop.fields, held, payload.base)
    return write_fields(ours) | restore_fields(held, one.retired_from)


DRAFT, SHOWN = "draft", "publish"


def retire_fields(held: Product) -> dict[str, Any]:
    """The fields that take a product out of the shop's window; none for a variation, which has no such status."""
    return {"status": DRAFT} if held.status == SHOWN and not held.is_variation else {}


def restore_fields(held: Product, retired_from: str | None) -> dict[str, Any]:
    """The fields that put it back, if it is still as it was left; `retired_from`: the status before its retirement."""
    return {"status": retired_from} if retired_from and held.status == DRAFT else {}


@dataclass(frozen=True, slots=True)
class ProductChange:
    """What shall be written, and what we will have written last afterwards. `product` is None for a new one.

    `kept` are the edits in the shop that stay, `further` the changes of the item's translations, `stored_otherwise` the
    texts that the shop stored in another form, once it was written.
    """

    action: Literal["create", "adopt", "update"]
    product: Product | None
    write: ProductWrite
    written: WrittenProduct
    kept: tuple[KeptEdit, ...] = ()
    further: tuple[TranslationChange, ...] = ()
    stored_otherwise: tuple[StoredOtherwise, ...] = ()


@dataclass(frozen=True, slots=True)
class ProductGone:
    """The linked product is not in the shop any more."""

    product_id: int


Placement = ProductChange | Skip | ProductGone
Held = Mapping[int, Product | None]
"""Products by id; None where the shop does not have one any more."""


def place_item(
    payload: ProductPayload,
    found: Sequence[Product],
    linked: Product | None,
    shop: ShopSettings,
    further: Held | None = None,
) -> Placement:
    """`found` are the shop's products with the item's SKU in every status; `linked` is the one it is linked to, and
    `further` are the further ones of its link."""
    if payload.link is not None:
        return _update(payload, linked, shop, further or {}) if linked else ProductGone(payload.link.product_id)
    found_match = match_product(MatchQuery(payload.item, payload.nature.sku or "", shop.catalogue.meta_key), found)
    if isinstance(found_match, Skip):
        return found_match
    return _adopt(payload, found_match, shop) if found_match else _new(payload, shop)


def _adopt(payload: ProductPayload, found: ProductMatch, shop: ShopSettings) -> ProductChange:
    new = [_further(product) for product in found.translations]
    held = {product.id: product for product in found.translations}
    return _with_further(_change("adopt", payload, found.product, shop), payload, new, held, shop)


def _further(product: Product) -> FurtherProduct:
    return FurtherProduct(product_id=product.id, parent_id=product.parent_id, sku=product.sku)


def _update(payload: ProductPayload, linked: Product, shop: ShopSettings, held: Held) -> Placement:
    if linked.status == TRASH and not payload.desired.retired:
        return skip_trashed(payload.nature.sku or linked.sku, linked)
    retires = payload.desired.retired
    change = _retire(payload, linked) if retires else _change("update", payload, linked, shop)
    return _with_further(change, payload, payload.link.further if payload.link else (), held, shop)


def _with_further(
    change: ProductChange, payload: ProductPayload, further: Sequence[FurtherProduct], held: Held, shop: ShopSettings
) -> ProductChange:
    """The change with those of the further products; one that the shop does not have any more is left out."""
    found = [(one, product) for one in further if (product := held.get(one.product_id))]
    return replace(change, further=tuple(change_translation(payload, one, product, shop) for one, product in found))


def _retire(payload: ProductPayload, held: Product) -> ProductChange:
    fields = retire_fields(held)
    before = held.status if fields else payload.base.retired_from
    base = payload.base.model_copy(update={"digest": payload.digest, "retired_from": before})
    return ProductChange("update", held, ProductWrite(id=held.id, **fields), base)


def _new(payload: ProductPayload, shop: ShopSettings) -> ProductChange | Skip:
    if shop.fields.stock_only:
        detail = f"no product has SKU {payload.nature.sku}, and preset stock-only makes none"
        return Skip(
            Reason.PRODUCT_NOT_MADE, f"{detail}; make it in the shop under this SKU, it is looked for every day"
        )
    write = build_creation(payload.desired, payload.item, shop.catalogue.meta_key)
    return ProductChange("create", None, write, record_written(payload.desired, None, payload.digest))


def _change(
    action: Literal["adopt", "update"], payload: ProductPayload, held: Product, shop: ShopSettings
) -> ProductChange:
    """Only the fields that Balance owns; never the status (claim S1.13), unless to undo what we did to it. The uid goes
    with the catalogue's fields."""
    if shop.fields.stock_only:
        return ProductChange(action, held, ProductWrite(id=held.id), _untouched(payload))
    ours = select_writable(payload.desired, shop.fields, held, payload.base)
    fields = write_fields(ours) | restore_fields(held, payload.base.retired_from)
    if ours.category_ids is not None:
        fields["category_ids"] = merge_categories(ours.category_ids, held, payload.base)
    if ours.sku == held.sku:
        del fields["sku"]
    meta_key = shop.catalogue.meta_key
    if payload.desired.sku is not None and item_uid_in(held, meta_key) != payload.item.casefold():
        fields["meta"] = fields.get("meta", {}) | {meta_key: payload.item}
    after, kept = (
        record_written(ours, payload.base, payload.digest),
        find_kept_edits(payload.desired, ours, held, payload.base),
    )
    return ProductChange(action, held, ProductWrite(id=held.id, **fields), after, kept)


def _untouched(payload: ProductPayload) -> WrittenProduct:
    """Nothing was written; this change was looked at."""
    return payload.base.model_copy(update={"digest": payload.digest})
