"""What the importer remembers of products, the fields that a product should have, and their write and digest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from pydantic import Field

from contracts.balance import ItemChanged, ItemWithdrawn, PriceChanged
from contracts.catalog import GroupRule, ProductLinked, ProductPlanned, RolePrice, WrittenProduct
from contracts.model import Money, Part, Quantity, ShopId, Uid
from services.accounting.catalogue.eligibility import Eligible, ItemTraits, Skip
from services.accounting.catalogue.price import Phase, ProductPrices, SalePrice
from services.connectors.woocommerce.product import ProductWrite, format_price
from services.engine.state.records import Kind
from services.settings.catalogue import FieldOwnership

ITEM = Kind("item", ItemChanged)
"""By item; found by SKU."""
WITHDRAWN = Kind("withdrawn", ItemWithdrawn)
"""By item."""
PRICES = Kind("prices", PriceChanged)
"""By item."""
LINK = Kind("link", ProductLinked)
"""By shop:item."""
PLANNED = Kind("planned", ProductPlanned)
"""By shop:item: the last plan or skip announced."""


class DesiredProduct(Part):
    """The fields that Balance decides. None: Balance does not decide it, so it is not changed.

    Weight is in the unit that Balance and the shop share. Images and the status are never included (claims K12, S1.13):
    they belong to the shop's staff. Only an item that left Balance is `retired`, if the settings say so.
    """

    sku: str | None = None
    name: str | None = None
    regular_price: Money | None = None
    sale: SalePrice | None = None
    phase: Phase = "none"
    weight: Quantity | None = None
    category_ids: tuple[int, ...] | None = None
    role_prices: tuple[RolePrice, ...] = ()
    retired: bool = False

    def with_prices(self, prices: ProductPrices) -> DesiredProduct:
        """Return a copy with the price fields."""
        retail = {"regular_price": prices.regular, "sale": prices.sale, "phase": prices.phase}
        return self.model_copy(update=retail | {"role_prices": prices.roles})


def desired_catalogue_fields(item: ItemChanged, eligible: Eligible) -> DesiredProduct:
    """Return the fields of the catalogue flow: name, SKU, weight, categories."""
    return DesiredProduct(
        sku=eligible.sku,
        name=(item.name or item.full_name or eligible.sku).strip(),
        weight=_weight(item.weight),
        category_ids=eligible.category_ids,
    )


def _weight(weight: Decimal | None) -> Decimal | None:
    return weight if weight and weight > 0 else None


def build_creation(desired: DesiredProduct, item: Uid, meta_key: str) -> ProductWrite:
    """Return the write of a new product: always a draft, with managed stock (claims S0.6, S0.32)."""
    fields = write_fields(desired)
    new = {"status": "draft", "manage_stock": True, "meta": fields.get("meta", {}) | {meta_key: item}}
    return ProductWrite(**{**fields, **new})


def write_fields(desired: DesiredProduct) -> dict[str, Any]:
    """Return the fields that are set, by the names of a `ProductWrite`."""
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
    """Prices of roles are in custom fields; one that Balance does not have is removed."""
    return {"meta": {one.meta_key: one.price and format_price(one.price) for one in prices}} if prices else {}


def _sale_values(sale: SalePrice | None) -> dict[str, Any]:
    """The sale price and its period are written together; without a sale all three are cleared."""
    return {} if sale is None else {"sale_price": sale.price, "sale_from": sale.starts, "sale_to": sale.ends}


def record_written(desired: DesiredProduct, before: WrittenProduct | None, digest: str) -> WrittenProduct:
    """Return what was written last after this write: these fields, and earlier values of the others."""
    held = before.model_dump(exclude={"retired_from"}) if before else {}
    roles = {"role_prices": desired.role_prices} if desired.role_prices else {}
    return WrittenProduct.model_validate({**held, **write_fields(desired), **roles, "digest": digest})


def digest_product(desired: DesiredProduct, owners: FieldOwnership, images: str | None = None) -> str:
    """Return a digest of the fields to write, the phase of the sale, the owners of fields and the picture address.

    Equal amounts have equal digests, whatever their number of trailing zeros.
    """
    fields = desired.model_copy(update={"weight": desired.weight.normalize() if desired.weight else None})
    pictures = {"images": images} if images else {}
    return _of({"fields": _fields(fields), "owners": owners.model_dump(mode="json"), **pictures})


def _fields(desired: DesiredProduct) -> dict[str, Any]:
    """A single category has the same digest as in versions that allowed only one."""
    fields = desired.model_dump(mode="json")
    ids = fields.pop("category_ids")
    return fields | {"category_id": ids[0] if ids and len(ids) == 1 else ids}


def digest_skip(skip: Skip) -> str:
    """Return a digest of the reason and its detail."""
    return _of({"reason": skip.reason, "detail": skip.detail})


def _of(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=8).hexdigest()


PLAN, WRITE = "product.plan", "product.write"
"""The kinds of deliveries: announce what would be written, or write it."""


class ProductPayload(Part):
    """The payload of a product delivery. `digest` is that of the fields and their owners.

    `held` and `why`: the reason code and its detail, if a person must approve the change first. `commanded`: the rules
    that people have set for the item's groups.
    """

    shop: ShopId
    nature: ItemTraits
    desired: DesiredProduct
    digest: str
    link: ProductLinked | None = None
    held: str | None = None
    why: str = ""
    commanded: dict[Uid, GroupRule] = Field(default_factory=dict)

    @property
    def item(self) -> Uid:
        return self.nature.item

    @property
    def base(self) -> WrittenProduct:
        """What was written to the linked product last; empty without one."""
        return (self.link and self.link.written) or WrittenProduct(digest="")
