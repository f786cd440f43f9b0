"""A linked product against what was written to it last, field by field (claims S3.7, S3.15)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from contracts.catalog import AvailabilityChanged, ProductLinked, WrittenProduct
from services.catalog_importer.eligibility import same_sku
from services.catalog_importer.ownership import plain_name
from services.connectors.woocommerce.product import Product
from services.settings.catalogue import Ownership
from services.settings.shop import ShopSettings

Field = Literal[
    "product",
    "name",
    "sku",
    "regular_price",
    "sale_price",
    "sale_from",
    "sale_to",
    "weight",
    "category",
    "stock",
    "manage_stock",
]
OWNED: Mapping[Field, str] = {
    "name": "name",
    "regular_price": "regular_price",
    "sale_price": "sale_price",
    "sale_from": "sale_price",
    "sale_to": "sale_price",
    "weight": "weight",
}
HELD: Mapping[Field, Callable[[Product], Any]] = {
    "name": lambda product: product.name,
    "sku": lambda product: product.sku,
    "regular_price": lambda product: product.regular_price,
    "sale_price": lambda product: product.sale_price,
    "sale_from": lambda product: product.sale_from,
    "sale_to": lambda product: product.sale_to,
    "weight": lambda product: product.weight,
}
TOLD: Mapping[str, str] = {
    "always": "kept until Balance changes this item, then ours is written",
    "if-empty": "kept: ours is written only where the shop has nothing",
    "if-unchanged": "kept: a value edited by hand wins",
    "never": "kept: the field is the storefront's",
}


MANAGED: Mapping[str, str] = {
    "owner": "kept: the shop shows no figure (stock.manage)",
    "davtari": "switched on again with the next figure (stock.manage)",
}


@dataclass(frozen=True, slots=True)
class Drift:
    """A field of a product that differs; `does` is what the settings make of it.

    `kept`: it was edited by hand and stays so, whatever Balance says. `balance` is what Balance wanted there at the
    last write, where that was kept from the shop. `by_shop`: nobody edited it, the shop stores it so.
    """

    shop: str
    item: str
    sku: str
    product_id: int
    field: Field
    ours: str
    theirs: str
    does: str
    kept: bool = False
    balance: str = ""
    by_shop: bool = False


STORED_SO = "the shop stores it so; use a shorter name, or one without markup and backslashes, in Balance to avoid it"


def drifts(
    link: ProductLinked, product: Product | None, figure: AvailabilityChanged | None, shop: ShopSettings
) -> Iterator[Drift]:
    """What differs of a linked product. A field that was never written does not drift; prices never go to Balance."""
    if product is None:
        yield _drift(link, "product", "there", "gone", "the item gets a new draft with its next change")
        return
    yield from _fields(link, link.written or WrittenProduct(digest=""), product, shop)
    yield from _stored_otherwise(link, product)
    if figure is not None and figure.mode == "live" and figure.product_id == product.id:
        yield from _stock(link, product, figure, shop)


def _fields(link: ProductLinked, written: WrittenProduct, product: Product, shop: ShopSettings) -> Iterator[Drift]:
    """Where sales are Balance's, no sale is written as well as any."""
    sales_ours = shop.prices.sale_type is not None and shop.fields.sale_price == "always"
    for field, held in HELD.items():
        ours, theirs = getattr(written, field), held(product)
        cleared = field.startswith("sale_") and sales_ours and written.regular_price is not None
        if (ours is None and not cleared) or _same(field, ours, theirs):
            continue
        owner: Ownership = getattr(shop.fields, OWNED[field]) if field in OWNED else "if-unchanged"
        yield _owned(link, field, (_text(ours), _text(theirs)), owner)
    yield from _categories(link, written, product, shop)


def _stored_otherwise(link: ProductLinked, product: Product) -> Iterator[Drift]:
    """A name that the shop stored in another form than it was sent, while it is still that."""
    for one in link.stored_otherwise:
        if one.field == "name" and plain_name(one.stored) == plain_name(product.name):
            yield replace(_drift(link, "name", one.sent, product.name, STORED_SO), by_shop=True)


def _categories(link: ProductLinked, written: WrittenProduct, product: Product, shop: ShopSettings) -> Iterator[Drift]:
    """Categories are a set to which people may add: only one of ours that was taken out differs."""
    ours = written.category_ids or ()
    if set(ours) - set(product.category_ids) and not product.is_variation:
        texts = (", ".join(map(str, ours)), ", ".join(map(str, product.category_ids)) or "none")
        yield _owned(link, "category", texts, shop.fields.category)


def _owned(link: ProductLinked, field: Field, texts: tuple[str, str], owner: Ownership) -> Drift:
    """A field with who owns it; what was kept at the last write is named with Balance's own value (claim K21)."""
    name = "sale" if field.startswith("sale_") else field
    balance = next((edit.in_balance for edit in link.kept if edit.field == name), "")
    kept = owner in ("if-unchanged", "never")
    does = f"{TOLD[owner]}; Balance wants {balance}" if kept and balance else TOLD[owner]
    return replace(_drift(link, field, *texts, does), kept=kept, balance=balance)


def _same(field: Field, ours: Any, theirs: Any) -> bool:
    """The shop keeps `&` as `&amp;` and cares for no letter case in SKUs (API facts)."""
    if isinstance(ours, str) and isinstance(theirs, str):
        ours, theirs = plain_name(ours) or "", plain_name(theirs) or ""
        return same_sku(ours) == same_sku(theirs) if field == "sku" else ours == theirs
    return bool(ours == theirs)


def _stock(link: ProductLinked, product: Product, figure: AvailabilityChanged, shop: ShopSettings) -> Iterator[Drift]:
    if product.parent_manages_stock:
        yield _drift(link, "manage_stock", "on", "by the parent", "no figure is kept until the variation has its own")
    elif not product.manages_stock:
        yield _drift(link, "manage_stock", "on", "off", MANAGED[shop.stock.manage])
    else:
        yield from _quantity(link, product, figure, shop)


def _quantity(
    link: ProductLinked, product: Product, figure: AvailabilityChanged, shop: ShopSettings
) -> Iterator[Drift]:
    if product.stock_quantity is None or product.stock_quantity == figure.quantity:
        return
    does = {
        "correct": "ours is written again within the hour, unless an order has moved it",
        "announce": "kept and announced; ours is written with the next change of the figure",
        "off": "kept until the figure changes",
    }[shop.stock.drift]
    yield _drift(link, "stock", _text(figure.quantity), _text(product.stock_quantity), does)


def _drift(link: ProductLinked, field: Field, ours: str, theirs: str, does: str) -> Drift:
    return Drift(link.shop, link.item, link.sku, link.product_id, field, ours, theirs, does)


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, datetime) else str(value)
