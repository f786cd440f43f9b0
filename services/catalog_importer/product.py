"""What a product shall hold: an item, its prices and the shop's settings, as fields; and those fields as a write."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from contracts.balance import ItemChanged
from contracts.catalog import WrittenProduct
from contracts.model import Money, Part, Quantity, Uid
from services.catalog_importer.eligibility import Eligible
from services.catalog_importer.price import Phase, Prices, Sale
from services.shared.woocommerce.product_write import ProductWrite


class Desired(Part):
    """The fields that Balance decides. None: not ours to say, so it is not touched.

    Weight is in the unit that Balance and the shop share. Images and the status are never among them (claims K12,
    S1.13): they are the storefront's.
    """

    sku: str | None = None
    name: str | None = None
    regular_price: Money | None = None
    sale: Sale | None = None
    phase: Phase = "none"
    weight: Quantity | None = None
    category_id: int | None = None

    def with_prices(self, prices: Prices) -> Desired:
        """The same with the price fields."""
        return self.model_copy(update={"regular_price": prices.regular, "sale": prices.sale, "phase": prices.phase})


def catalogue_fields(item: ItemChanged, eligible: Eligible) -> Desired:
    """The fields of the catalogue flow: name, SKU, weight, category."""
    return Desired(
        sku=eligible.sku,
        name=(item.name or item.full_name or eligible.sku).strip(),
        weight=_weight(item.weight),
        category_id=eligible.category_id,
    )


def _weight(weight: Decimal | None) -> Decimal | None:
    return weight if weight and weight > 0 else None


def creation(desired: Desired, item: Uid, meta_key: str) -> ProductWrite:
    """A new product: always a draft, its stock managed (claims S0.6, S0.32)."""
    new = {"status": "draft", "manage_stock": True, "meta": {meta_key: item}}
    return ProductWrite(**{**values(desired), **new})


def values(desired: Desired) -> dict[str, Any]:
    """The given fields by the names of a `ProductWrite`."""
    plain = {
        "sku": desired.sku,
        "name": desired.name,
        "regular_price": desired.regular_price,
        "weight": desired.weight,
        "category_ids": None if desired.category_id is None else (desired.category_id,),
    }
    return {name: value for name, value in plain.items() if value is not None} | _sale_values(desired.sale)


def _sale_values(sale: Sale | None) -> dict[str, Any]:
    """The sale price and its window go in one write; no sale clears all three."""
    return {} if sale is None else {"sale_price": sale.price, "sale_from": sale.starts, "sale_to": sale.ends}


def written(desired: Desired, before: WrittenProduct | None, digest: str) -> WrittenProduct:
    """What we have now written last: these fields, and for the others what we wrote before."""
    held = before.model_dump() if before else {}
    return WrittenProduct.model_validate({**held, **values(desired), "digest": digest})
