"""Where an item goes in a shop: a new product, one that has its SKU already, the one it is linked to, or nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from contracts.catalog import FurtherProduct, KeptEdit, StoredOtherwise, WrittenProduct
from contracts.reasons import Reason
from services.accounting.catalogue.eligibility import Skip
from services.accounting.catalogue.product_match import (
    TRASH,
    MatchQuery,
    ProductMatch,
    item_uid_in,
    match_product,
    skip_trashed,
)
from services.catalog_importer.ownership import find_kept_edits, merge_categories, select_writable
from services.catalog_importer.product import ProductPayload, build_creation, record_written, write_fields
from services.connectors.woocommerce.product import Product, ProductWrite
from services.settings.shop import ShopSettings

OF_ITS_OWN = {"name": None, "sku": None, "category_ids": None}
"""Fields that a translation does not share: they are in another language, or belong to the multilingual plugin."""
DRAFT, PUBLISHED = "draft", "publish"


@dataclass(frozen=True, slots=True)
class TranslationChange:
    """The write of a further product of an item (a translation), and its entry in the link afterwards."""

    product: Product
    write: ProductWrite
    after: FurtherProduct


def change_translation(
    payload: ProductPayload, one: FurtherProduct, held: Product, shop: ShopSettings
) -> TranslationChange:
    """Return the change of one further product; one in the trash is not changed."""
    fields: dict[str, Any] = {}
    retired_from = one.retired_from
    if held.status != TRASH and payload.desired.retired:
        fields = retire_fields(held)
        retired_from = held.status if fields else one.retired_from
    elif held.status != TRASH:
        fields, retired_from = _translation_fields(payload, one, held, shop), None
    after = {"sku": held.sku, "digest": payload.digest, "retired_from": retired_from}
    return TranslationChange(held, ProductWrite(id=held.id, **fields), one.model_copy(update=after))


def _translation_fields(
    payload: ProductPayload, one: FurtherProduct, held: Product, shop: ShopSettings
) -> dict[str, Any]:
    if shop.fields.stock_only:
        return {}
    ours = select_writable(payload.desired.model_copy(update=OF_ITS_OWN), shop.fields, held, payload.base)
    return write_fields(ours) | restore_fields(held, one.retired_from)


def retire_fields(held: Product) -> dict[str, Any]:
    """Return the fields that make a published product a draft; none for a variation, which has no such status."""
    return {"status": DRAFT} if held.status == PUBLISHED and not held.is_variation else {}


def restore_fields(held: Product, retired_from: str | None) -> dict[str, Any]:
    """Return the fields that publish a retired product again, if nobody changed it; `retired_from`: its old status."""
    return {"status": retired_from} if retired_from and held.status == DRAFT else {}


@dataclass(frozen=True, slots=True)
class ProductChange:
    """The write of a product, and what is recorded as written afterwards. `product` is None for a new one.

    `kept` are edits in the shop that are kept, `further` the changes of the item's translations, `stored_otherwise` the
    texts that the shop stored in another form.
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
    """The linked product no longer exists in the shop."""

    product_id: int


Placement = ProductChange | Skip | ProductGone
Held = Mapping[int, Product | None]
"""Products by id; None for one that no longer exists."""


def place_item(
    payload: ProductPayload,
    found: Sequence[Product],
    linked: Product | None,
    shop: ShopSettings,
    further: Held | None = None,
) -> Placement:
    """Return what has to be done for an item: create a product, adopt or update one, or skip the item.

    `found` are the shop's products with the item's SKU, in every status; `linked` is the product of its link, and
    `further` are the further products of its link.
    """
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
    """The change with those of the further products; products that no longer exist are left out."""
    found = [(one, product) for one in further if (product := held.get(one.product_id))]
    return replace(change, further=tuple(change_translation(payload, one, product, shop) for one, product in found))


def _retire(payload: ProductPayload, held: Product) -> ProductChange:
    fields = retire_fields(held)
    before = held.status if fields else payload.base.retired_from
    base = payload.base.model_copy(update={"digest": payload.digest, "retired_from": before})
    return ProductChange("update", held, ProductWrite(id=held.id, **fields), base)


def _new(payload: ProductPayload, shop: ShopSettings) -> ProductChange | Skip:
    if shop.fields.stock_only:
        detail = f"no product has SKU {payload.nature.sku}, and preset stock-only creates none"
        return Skip(Reason.PRODUCT_NOT_MADE, f"{detail}; create it in the shop with this SKU, it is searched daily")
    write = build_creation(payload.desired, payload.item, shop.catalogue.meta_key)
    return ProductChange("create", None, write, record_written(payload.desired, None, payload.digest))


def _change(
    action: Literal["adopt", "update"], payload: ProductPayload, held: Product, shop: ShopSettings
) -> ProductChange:
    """The fields that Balance owns, and the uid with the catalogue's fields.

    The status is never among them (claim S1.13), except to undo a retirement.
    """
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
    """What is recorded when nothing is written: only the digest of this change."""
    return payload.base.model_copy(update={"digest": payload.digest})
