"""A product or variation: what the shop has stored, and what is to be written.

Batch items are not checked by the shop (WooCommerce fact 19): `"10,50"` is stored as 1050, a stock of 5.5 as 5. So
prices to be written are Decimals, sent with a dot, and stock is a whole number or refused here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from contracts.model import Money, Quantity
from contracts.reasons import Reason
from services.connectors.http.listing import UnreadableRecord
from services.connectors.woocommerce import php
from services.connectors.woocommerce.php import format_gmt
from services.connectors.woocommerce.read import (
    Answered,
    Date,
    Figure,
    Id,
    Label,
    Metas,
    OddValue,
    Reference,
    Scalar,
    Word,
    name_record,
    or_unreadable,
    reading_record,
)

FIELDS = (
    "id,parent_id,sku,name,type,status,regular_price,sale_price,price,date_on_sale_from_gmt,date_on_sale_to_gmt,"
    "weight,categories,manage_stock,stock_quantity,date_modified_gmt,meta_data,lang,translations"
)
"""The fields read from a list: the whole record takes five times as long (WooCommerce fact 36)."""


PARENT = "parent"
"""`manage_stock` of a variation whose parent keeps one stock for all of them (WooCommerce fact 75)."""


@dataclass(frozen=True, slots=True)
class Product:
    """A product, or a variation of the product `parent_id`. Prices and weight are None if the shop has none.

    A figure or moment that cannot be read is an `OddValue`, which matters only to those who use it.

    `price` is what the shop charges now. `stock_quantity` is None if the shop does not manage its stock.
    `status` is WooCommerce's: `publish`, `draft`, `private`, `trash` … `image_ids` is not read from lists.
    In a multilingual shop `translations` are the product's translations by language, including itself.
    """

    id: int
    parent_id: int
    sku: str
    name: str
    type: str
    status: str
    regular_price: Decimal | OddValue | None
    sale_price: Decimal | OddValue | None
    price: Decimal | OddValue | None
    sale_from: datetime | OddValue | None
    sale_to: datetime | OddValue | None
    weight: Decimal | OddValue | None
    category_ids: tuple[int, ...]
    manages_stock: bool
    stock_quantity: Decimal | OddValue | None
    modified_at: datetime | OddValue | None
    meta: Mapping[str, Any]
    image_ids: tuple[int, ...] = ()
    language: str = ""
    translations: Mapping[str, int] = field(default_factory=dict)
    parent_manages_stock: bool = False

    @property
    def is_variation(self) -> bool:
        """Whether it is a variation of another product."""
        return self.type == "variation" or self.parent_id != 0


def _read_ids_by_language(value: Any) -> dict[str, int]:
    """Ids as numbers or texts; anything else is ignored."""
    pairs = value.items() if isinstance(value, Mapping) else ()
    return {str(language): id_ for language, each in pairs if (id_ := php.whole(each)) is not None and id_ > 0}


def _read_ids(value: Any) -> tuple[int, ...]:
    """The ids of a list of records; records without one are left out."""
    found = (php.id_of(row) for row in php.records(value))
    return tuple(id_ for id_ in found if id_ is not None)


Ids = Annotated[tuple[int, ...], PlainValidator(_read_ids)]


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
    translations: Annotated[dict[str, int], BeforeValidator(_read_ids_by_language)] = Field(default_factory=dict)


def read_product(shop: str, json: Mapping[str, Any]) -> Product:
    """A product from WooCommerce's JSON. Raises `ReadError`, naming product and field."""
    with reading_record(f"shop {shop}: {name_record('product', json)}", Reason.SHOP_BAD_ANSWER):
        return _to_product(_Product.model_validate(json))


def read_listed_product(shop: str, json: Mapping[str, Any]) -> Product | UnreadableRecord:
    """A product of a list, or why it cannot be read: it must not hide the others."""
    return or_unreadable(lambda: read_product(shop, json))


def _to_product(read: _Product) -> Product:
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


def _require_whole(value: Any) -> Any:
    if isinstance(value, float) or (isinstance(value, Decimal) and value != value.to_integral_value()):
        raise ValueError(f"WooCommerce stores whole numbers: round {value} before writing it")
    return int(value) if isinstance(value, Decimal) else value


Price = Annotated[Money, Field(ge=0)]
Stock = Annotated[int, Field(strict=True, gt=-(10**12), lt=10**12), BeforeValidator(_require_whole)]


class ProductWrite(BaseModel):
    """The fields to write; a field that is not set stays unchanged in the shop, None clears it.

    Without `id` a product is created. `stock_fraction` is the stock of a shop whose plugin sells parts of a piece: it
    is sent as text, and a shop without such a plugin truncates it, which the echo shows. `images` are all images of the
    product: ids of those that it keeps, URLs of those that the shop is to copy. It is stored in the outbox with
    `model_dump(mode="json", exclude_unset=True)` and read with `model_validate`. Raises pydantic's `ValidationError`
    for a decimal stock, a negative price or a naive time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: int | None = Field(default=None, gt=0)
    name: str | None = None
    sku: str | None = None
    type: str | None = None
    status: str | None = None
    regular_price: Price | None = None
    sale_price: Price | None = None
    sale_from: AwareDatetime | None = None
    sale_to: AwareDatetime | None = None
    weight: Quantity | None = None
    category_ids: tuple[int, ...] | None = None
    manage_stock: bool | None = None
    stock_quantity: Stock | None = None
    stock_fraction: Quantity | None = None
    images: tuple[int | str, ...] | None = None
    meta: dict[str, str | None] | None = None

    def to_fields(self) -> dict[str, Any]:
        """The fields that are set, by name; without the id."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set - {"id"})}

    def to_json(self) -> dict[str, Any]:
        """The record in WooCommerce's form."""
        body: dict[str, Any] = {} if self.id is None else {"id": self.id}
        for name, value in self.to_fields().items():
            body |= _FIELDS[name](value) if name in _FIELDS else {name: value}
        return body


def format_price(price: Decimal | None) -> str:
    """A price as plain text with a dot; empty clears it (WooCommerce fact 19)."""
    return "" if price is None else format(price, "f")


def _format_time(value: datetime | None) -> str:
    return "" if value is None else format_gmt(value)  # some versions ignore a null


_FIELDS: dict[str, Any] = {
    "name": lambda value: {"name": value or ""},
    "sku": lambda value: {"sku": value or ""},
    "regular_price": lambda value: {"regular_price": format_price(value)},
    "sale_price": lambda value: {"sale_price": format_price(value)},
    "sale_from": lambda value: {"date_on_sale_from_gmt": _format_time(value)},
    "sale_to": lambda value: {"date_on_sale_to_gmt": _format_time(value)},
    "weight": lambda value: {"weight": format_price(value)},
    "category_ids": lambda value: {"categories": [{"id": number} for number in value or ()]},
    "images": lambda value: {"images": [{"src" if isinstance(one, str) else "id": one} for one in value or ()]},
    "stock_fraction": lambda value: {"stock_quantity": format_price(value)},
    "meta": lambda value: {"meta_data": [{"key": key, "value": text} for key, text in (value or {}).items()]},
}
"""Field → WooCommerce's fields, where they differ in name or form. Meta is replaced by key; null deletes it."""
