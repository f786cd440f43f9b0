"""What a product shall hold: an item, its prices and the shop's settings, as fields; and those fields as a write."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from contracts.balance import ItemChanged
from contracts.catalog import RolePrice, WrittenProduct
from contracts.model import Money, Part, Quantity, Uid
from services.catalog_importer.eligibility import Eligible
from services.catalog_importer.price import Phase, Prices, Sale
from services.connectors.woocommerce.product_write import ProductWrite, price_text


class Desired(Part):
    """The fields that Balance decides. None: not ours to say, so it is not touched.

    Weight is in the unit that Balance and the shop share. Images and the status are never among them (claims K12,
    S1.13): they are the storefront's. Only what left Balance may be `retired`, where the settings want it.
    """

    sku: str | None = None
    name: str | None = None
    regular_price: Money | None = None
    sale: Sale | None = None
    phase: Phase = "none"
    weight: Quantity | None = None
    category_ids: tuple[int, ...] | None = None
    role_prices: tuple[RolePrice, ...] = ()
    retired: bool = False

    def with_prices(self, prices: Prices) -> Desired:
        """The same with the price fields."""
        retail = {"regular_price": prices.regular, "sale": prices.sale, "phase": prices.phase}
        return self.model_copy(update=retail | {"role_prices": prices.roles})


def catalogue_fields(item: ItemChanged, eligible: Eligible) -> Desired:
    """The fields of the catalogue flow: name, SKU, weight, categories."""
    return Desired(
        sku=eligible.sku,
        name=(item.name or item.full_name or eligible.sku).strip(),
        weight=_weight(item.weight),
        category_ids=eligible.category_ids,
    )


def _weight(weight: Decimal | None) -> Decimal | None:
    return weight if weight and weight > 0 else None


def creation(desired: Desired, item: Uid, meta_key: str) -> ProductWrite:
    """A new product: always a draft, its stock managed (claims S0.6, S0.32)."""
    fields = values(desired)
    new = {"status": "draft", "manage_stock": True, "meta": fields.get("meta", {}) | {meta_key: item}}
    return ProductWrite(**{**fields, **new})


def values(desired: Desired) -> dict[str, Any]:
    """The given fields by the names of a `ProductWrite`."""
    plain = {
        "sku": desired.sku,
        "name": desired.name,
        "regular_price": desired.regular_price,
        "weight": desired.weight,
        "category_ids": desired.category_ids,
    }
    given = {name: value for name, value in plain.items() if value is not None}
    return given | _sale_values(desired.sale) | _role_values(desired.role_prices)


def _role_values(prices: Sequence[RolePrice]) -> dict[str, Any]:
    """Prices of roles stand in custom fields; one that Balance does not state is taken out."""
    return {"meta": {one.meta_key: one.price and price_text(one.price) for one in prices}} if prices else {}


def _sale_values(sale: Sale | None) -> dict[str, Any]:
    """The sale price and its window go in one write; no sale clears all three."""
    return {} if sale is None else {"sale_price": sale.price, "sale_from": sale.starts, "sale_to": sale.ends}


def written(desired: Desired, before: WrittenProduct | None, digest: str) -> WrittenProduct:
    """What we have now written last: these fields, and for the others what we wrote before."""
    held = before.model_dump(exclude={"retired_from"}) if before else {}
    roles = {"role_prices": desired.role_prices} if desired.role_prices else {}
    return WrittenProduct.model_validate({**held, **values(desired), **roles, "digest": digest})
