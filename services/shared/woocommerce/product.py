"""A product or variation as the shop holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from contracts.reasons import Reason
from services.shared.woocommerce.read import (
    Answered,
    Label,
    Metas,
    OptionalAmount,
    OptionalMoment,
    Rows,
    Text,
    Whole,
    reading,
)

FIELDS = (
    "id,parent_id,sku,name,type,status,regular_price,sale_price,price,date_on_sale_from_gmt,date_on_sale_to_gmt,"
    "weight,categories,manage_stock,stock_quantity,date_modified_gmt,meta_data,lang,translations"
)
"""What is asked of a list: the whole record takes five times as long (reference section 4)."""


@dataclass(frozen=True, slots=True)
class Product:
    """A product, or a variation of the product `parent_id`. Prices and weight are None where the shop has none.

    `price` is what the shop charges now. `stock_quantity` is None when the shop does not manage its stock.
    `status` is WooCommerce's word: `publish`, `draft`, `private`, `trash` … Lists are not asked for `image_ids`.
    In a multilingual shop `translations` are the product's translations by language, itself among them.
    """

    id: int
    parent_id: int
    sku: str
    name: str
    type: str
    status: str
    regular_price: Decimal | None
    sale_price: Decimal | None
    price: Decimal | None
    sale_from: datetime | None
    sale_to: datetime | None
    weight: Decimal | None
    category_ids: tuple[int, ...]
    manages_stock: bool
    stock_quantity: Decimal | None
    modified_at: datetime | None
    meta: Mapping[str, Any]
    image_ids: tuple[int, ...] = ()
    language: str = ""
    translations: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_variation(self) -> bool:
        return self.type == "variation" or self.parent_id != 0


def _ids_by_language(value: Any) -> dict[str, int]:
    """Ids as numbers or as texts; anything else names no translation."""
    pairs = value.items() if isinstance(value, dict) else ()
    return {str(language): int(id_) for language, id_ in pairs if str(id_).isascii() and str(id_).isdigit()}


def _language(value: Any) -> str:
    return value if isinstance(value, str) else ""


class _Named(Answered):
    id: Whole


class _Product(Answered):
    id: Whole
    parent_id: Whole = 0
    sku: Text = ""
    name: Label = ""
    type: Text = ""
    status: Text = ""
    regular_price: OptionalAmount = None
    sale_price: OptionalAmount = None
    price: OptionalAmount = None
    date_on_sale_from_gmt: OptionalMoment = None
    date_on_sale_to_gmt: OptionalMoment = None
    weight: OptionalAmount = None
    categories: Annotated[tuple[_Named, ...], Rows] = ()
    images: Annotated[tuple[_Named, ...], Rows] = ()
    manage_stock: bool | str = False
    stock_quantity: OptionalAmount = None
    date_modified_gmt: OptionalMoment = None
    meta_data: Metas = ()
    lang: Annotated[str, BeforeValidator(_language)] = ""
    translations: Annotated[dict[str, int], BeforeValidator(_ids_by_language)] = Field(default_factory=dict)


def read_product(shop: str, json: Mapping[str, Any]) -> Product:
    """A product from WooCommerce's JSON. Raises `ReadError`, naming product and field."""
    with reading(f"shop {shop}: product {json.get('id')}", Reason.SHOP_BAD_ANSWER):
        return _product(_Product.model_validate(json))


def _product(read: _Product) -> Product:
    return Product(
        id=read.id,
        parent_id=read.parent_id,
        sku=read.sku.strip(),
        name=read.name,
        type=read.type,
        status=read.status,
        regular_price=read.regular_price,
        sale_price=read.sale_price,
        price=read.price,
        sale_from=read.date_on_sale_from_gmt,
        sale_to=read.date_on_sale_to_gmt,
        weight=read.weight,
        category_ids=tuple(category.id for category in read.categories),
        manages_stock=read.manage_stock is True,  # a variation may say "parent"
        stock_quantity=read.stock_quantity,
        modified_at=read.date_modified_gmt,
        meta={meta.key: meta.value for meta in read.meta_data},
        image_ids=tuple(image.id for image in read.images),
        language=read.lang,
        translations=read.translations,
    )
