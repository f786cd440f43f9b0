"""What shall stand in a product: typed, so that nothing reaches the shop that it would silently coerce.

Batch items are not schema-checked (API fact): `"10,50"` is stored as 1050, a stock of 5.5 as 5. Hence prices are
Decimals, written with a dot; stock is a whole number or refused here.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from contracts.model import Money, Quantity
from services.connectors.woocommerce.times import gmt_text


def _whole(value: Any) -> Any:
    if isinstance(value, float) or (isinstance(value, Decimal) and value != value.to_integral_value()):
        raise ValueError(f"WooCommerce stores whole numbers: round {value} before it is written")
    return int(value) if isinstance(value, Decimal) else value


Price = Annotated[Money, Field(ge=0)]
Stock = Annotated[int, Field(strict=True, gt=-(10**12), lt=10**12), BeforeValidator(_whole)]


class ProductWrite(BaseModel):
    """The fields to write; one that is not given stays as it is in the shop, None clears it.

    Without `id` a product is made. `stock_fraction` is the stock of a shop whose plugin sells parts of a piece: it is
    sent as text, and a shop without such a plugin cuts it, which the echo shows. `images` are all pictures of the
    product: ids of those that it keeps, addresses of those that the shop shall copy. Survives the outbox:
    `model_dump(mode="json", exclude_unset=True)` and `model_validate`. Raises pydantic's `ValidationError` for a
    decimal stock, a negative price or a naive time.
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

    def given(self) -> dict[str, Any]:
        """The fields that are to be written, by name; without the id."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set - {"id"})}

    def json_body(self) -> dict[str, Any]:
        """The record as WooCommerce takes it."""
        body: dict[str, Any] = {} if self.id is None else {"id": self.id}
        for name, value in self.given().items():
            body |= _FIELDS[name](value) if name in _FIELDS else {name: value}
        return body


def price_text(price: Decimal | None) -> str:
    """A price as plain text with a dot; empty clears it (API fact: numbers are refused or rounded)."""
    return "" if price is None else format(price, "f")


def _time(value: datetime | None) -> str:
    return "" if value is None else gmt_text(value)  # a null is the same as nothing to some versions


_FIELDS: dict[str, Any] = {
    "name": lambda value: {"name": value or ""},
    "sku": lambda value: {"sku": value or ""},
    "regular_price": lambda value: {"regular_price": price_text(value)},
    "sale_price": lambda value: {"sale_price": price_text(value)},
    "sale_from": lambda value: {"date_on_sale_from_gmt": _time(value)},
    "sale_to": lambda value: {"date_on_sale_to_gmt": _time(value)},
    "weight": lambda value: {"weight": price_text(value)},
    "category_ids": lambda value: {"categories": [{"id": number} for number in value or ()]},
    "images": lambda value: {"images": [{"src" if isinstance(one, str) else "id": one} for one in value or ()]},
    "stock_fraction": lambda value: {"stock_quantity": price_text(value)},
    "meta": lambda value: {"meta_data": [{"key": key, "value": text} for key, text in (value or {}).items()]},
}
"""Field → WooCommerce's fields, where they differ in name or form. Meta is replaced by key; null deletes it."""
