"""The events that the importer publishes about an item: linked, unlinked, planned, skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from contracts.catalog import ProductLinked, ProductPlanned, ProductUnlinked, StoredOtherwise
from contracts.model import Uid
from contracts.reasons import Reason
from services.accounting.catalogue.eligibility import Skip
from services.catalog_importer.pictures import with_image_id
from services.catalog_importer.placement import ProductChange
from services.catalog_importer.product import ProductPayload
from services.connectors.woocommerce.batch import Difference, Stored
from services.connectors.woocommerce.read import OddValue

HOW: dict[str, Literal["created", "adopted"]] = {"create": "created", "adopt": "adopted"}


def linked_event(payload: ProductPayload, change: ProductChange, stored: Stored | None, now: datetime) -> ProductLinked:
    """Return the event that an item is linked to a product; `stored` is the shop's answer, if something was written."""
    sku = change.write.sku or (change.product.sku if change.product else "") or payload.nature.sku or ""
    update = {
        "sku": sku,
        "written": change.written,
        "written_at": now,
        "kept": change.kept,
        "stored_otherwise": _stored_otherwise(payload, change),
        "further": tuple(one.after for one in change.further),
    }
    if payload.link is not None:
        return payload.link.model_copy(update=update)
    return ProductLinked(
        shop=payload.shop,
        item=payload.item,
        product_id=stored.id if stored else change.write.id or 0,
        parent_id=change.product.parent_id if change.product else 0,
        how=HOW[change.action],
        linked_at=now,
        **update,
    )


def _stored_otherwise(payload: ProductPayload, change: ProductChange) -> tuple[StoredOtherwise, ...]:
    """The differences of this write, and earlier ones in fields that it did not contain."""
    before = payload.link.stored_otherwise if payload.link else ()
    return (*(one for one in before if one.field not in change.write.to_fields()), *change.stored_otherwise)


def unlinked_event(payload: ProductPayload, product_id: int, now: datetime) -> ProductUnlinked:
    """Return the event that a product was deleted in the shop: the item gets a new one."""
    return ProductUnlinked(
        shop=payload.shop,
        item=payload.item,
        product_id=product_id,
        reason=Reason.SHOP_PRODUCT_GONE,
        unlinked_at=now,
    )


def planned_event(payload: ProductPayload, change: ProductChange, now: datetime) -> ProductPlanned:
    """Return the plan of a change, in a dry run or before a person has approved it."""
    return ProductPlanned(
        reason=payload.held,
        detail=payload.why,
        shop=payload.shop,
        item=payload.item,
        action=change.action,
        sku=payload.nature.sku,
        product_id=change.product.id if change.product else None,
        payload=change.written,
        digest=payload.digest,
        planned_at=now,
    )


def skipped_event(
    shop: str, item: Uid, sku: str | None, product_id: int | None, skip: Skip, digest: str, now: datetime
) -> ProductPlanned:
    """Return the event that an item is skipped, and why."""
    return ProductPlanned(
        shop=shop,
        item=item,
        action="skip",
        reason=skip.reason,
        detail=skip.detail,
        sku=sku,
        product_id=product_id,
        digest=digest,
        planned_at=now,
    )


def skipped_delivery_event(payload: ProductPayload, skip: Skip, now: datetime) -> ProductPlanned:
    """Return the same event for an item whose delivery found the reason."""
    product_id = payload.link.product_id if payload.link else None
    return skipped_event(payload.shop, payload.item, payload.nature.sku, product_id, skip, payload.digest, now)


KEPT_AS_STORED = ("name", "weight")
"""Fields recorded as the shop stored them: otherwise they would look like an edit by hand from now on."""


def with_stored_values(change: ProductChange, stored: Stored, minor: Sequence[Difference]) -> ProductChange:
    """Return the change as the shop stored it, with the texts that it stored in another form."""
    kept = [one for one in minor if one.field in KEPT_AS_STORED and not isinstance(one.value, OddValue)]
    fields = {one.field: one.value for one in kept}
    written = change.written.model_copy(update=fields)
    found = tuple(StoredOtherwise(field=one.field, sent=one.meant, stored=one.stored) for one in minor)
    return with_image_id(replace(change, written=written, stored_otherwise=found), stored.json)
