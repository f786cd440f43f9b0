"""Further products of an item in one shop, its translations: prices, weight and retirement reach them too.

Name, SKU and categories stay as they are: they are in another language, or belong to the multilingual plugin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contracts.catalog import FurtherProduct
from services.catalog_importer.ownership import owned
from services.catalog_importer.payload import ProductPayload
from services.catalog_importer.product import values
from services.catalog_importer.product_match import TRASH
from services.catalog_importer.retirement import restored, retired
from services.connectors.woocommerce.product import Product
from services.connectors.woocommerce.product_write import ProductWrite
from services.settings.shop import ShopSettings

OF_ITS_OWN = {"name": None, "sku": None, "category_ids": None}


@dataclass(frozen=True, slots=True)
class FurtherChange:
    """What shall be written to a further product, and how it stands in the link afterwards."""

    product: Product
    write: ProductWrite
    after: FurtherProduct


def further_change(payload: ProductPayload, one: FurtherProduct, held: Product, shop: ShopSettings) -> FurtherChange:
    """The change of one further product; one in the trash is left as it is."""
    fields: dict[str, Any] = {}
    retired_from = one.retired_from
    if held.status != TRASH and payload.desired.retired:
        fields = retired(held)
        retired_from = held.status if fields else one.retired_from
    elif held.status != TRASH:
        fields, retired_from = _fields(payload, one, held, shop), None
    after = {"sku": held.sku, "digest": payload.digest, "retired_from": retired_from}
    return FurtherChange(held, ProductWrite(id=held.id, **fields), one.model_copy(update=after))


def _fields(payload: ProductPayload, one: FurtherProduct, held: Product, shop: ShopSettings) -> dict[str, Any]:
    if shop.fields.stock_only:
        return {}
    ours = owned(payload.desired.model_copy(update=OF_ITS_OWN), shop.fields, held, payload.base)
    return values(ours) | restored(held, one.retired_from)
