"""A product or variation as the shop holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator

from contracts.reasons import Reason
from services.connectors.http.unreadable import Unreadable
from services.connectors.woocommerce import php
from services.connectors.woocommerce.read import (
    Answered,
    Date,
    Figure,
    Id,
    Label,
    Metas,
    Odd,
    Reference,
    Scalar,
    Word,
    named,
    or_unreadable,
    reading,
)

FIELDS = (
    "id,parent_id,sku,name,type,status,regular_price,sale_price,price,date_on_sale_from_gmt,date_on_sale_to_gmt,"
    "weight,categories,manage_stock,stock_quantity,date_modified_gmt,meta_data,lang,translations"
)
"""What is asked of a list: the whole record takes five times as long (reference section 4)."""


PARENT = "parent"
"""What `manage_stock` of a variation says whose parent keeps one stock for all (API fact)."""


@dataclass(frozen=True, slots=True)
class Product:
    """A product, or a variation of the product `parent_id`. Prices and weight are None where the shop has none.

    A figure or moment that cannot be read is `Odd`: only who decides by it need care.

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
    regular_price: Decimal | Odd | None
    sale_price: Decimal | Odd | None
    price: Decimal | Odd | None
    sale_from: datetime | Odd | None
    sale_to: datetime | Odd | None
    weight: Decimal | Odd | None
    category_ids: tuple[int, ...]
    manages_stock: bool
    stock_quantity: Decimal | Odd | None
    modified_at: datetime | Odd | None
    meta: Mapping[str, Any]
    image_ids: tuple[int, ...] = ()
    language: str = ""
    translations: Mapping[str, int] = field(default_factory=dict)
    parent_manages_stock: bool = False

    @property
    def is_variation(self) -> bool:
        return self.type == "variation" or self.parent_id != 0


def _ids_by_language(value: Any) -> dict[str, int]:
    """Ids as numbers or as texts; anything else names no translation."""
    pairs = value.items() if isinstance(value, Mapping) else ()
    return {str(language): id_ for language, each in pairs if (id_ := php.whole(each)) is not None and id_ > 0}


def _ids(value: Any) -> tuple[int, ...]:
    """The ids of a list of records, as far as they have any."""
    found = (php.id_of(row) for row in php.records(value))
    return tuple(id_ for id_ in found if id_ is not None)


Ids = Annotated[tuple[int, ...], PlainValidator(_ids)]


class _Product(Answered):
    id: Id
    parent_id: Reference = 0
    sku: Scalar = ""
    name: Label = ""
    type: Scalar = ""
    status: Scalar = ""
    regular_price: Figure = None
    sale_price: Figure = None
    price: Figure = None
    date_on_sale_from_gmt: Date = None
    date_on_sale_to_gmt: Date = None
    weight: Figure = None
    categories: Ids = ()
    images: Ids = ()
    manage_stock: Any = None
    """A variation may say "parent"."""
    stock_quantity: Figure = None
    date_modified_gmt: Date = None
    meta_data: Metas = ()
    lang: Word = ""
    translations: Annotated[dict[str, int], BeforeValidator(_ids_by_language)] = Field(default_factory=dict)


def read_product(shop: str, json: Mapping[str, Any]) -> Product:
    """A product from WooCommerce's JSON. Raises `ReadError`, naming product and field."""
    with reading(f"shop {shop}: {named('product', json)}", Reason.SHOP_BAD_ANSWER):
        return _product(_Product.model_validate(json))


def listed_product(shop: str, json: Mapping[str, Any]) -> Product | Unreadable:
    """A product of a list: one that cannot be read does not hide the others."""
    return or_unreadable(lambda: read_product(shop, json))


def _product(read: _Product) -> Product:
    return Product(
        id=read.id,
        parent_id=read.parent_id,
        sku=read.sku,
        name=read.name,
        type=read.type,
        status=read.status,
        regular_price=read.regular_price,
        sale_price=read.sale_price,
        price=read.price,
        sale_from=read.date_on_sale_from_gmt,
        sale_to=read.date_on_sale_to_gmt,
        weight=read.weight,
        category_ids=read.categories,
        manages_stock=php.is_yes(read.manage_stock),
        parent_manages_stock=php.text(read.manage_stock) == PARENT,
        stock_quantity=read.stock_quantity,
        modified_at=read.date_modified_gmt,
        meta={meta.key: meta.value for meta in read.meta_data},
        image_ids=read.images,
        language=read.lang,
        translations=read.translations,
    )
