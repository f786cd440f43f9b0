"""`davtari drift`: compare the products of a shop with what Davtari wrote last (claims S3.7, S3.15)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from contracts.catalog import AvailabilityChanged, ProductLinked, ProductUnlinked, WrittenProduct
from services.accounting.catalogue.eligibility import normalize_name, same_sku
from services.cli.command import FAILED, Json, Shop, command, read_settings, select_shop
from services.cli.screen import build_table, console, print_json, report_unreadable
from services.connectors.http.listing import UnreadableRecord, skip_unreadable
from services.connectors.upstreams import open_shop
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.product import Product
from services.connectors.woocommerce.read import ReadError
from services.engine.client.reader import read_events
from services.engine.clock import utc_now
from services.settings.catalogue import Ownership
from services.settings.model import Settings
from services.settings.shop import ShopSettings

TOPICS = ("catalog.links", "stock.availability")
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
OWNERSHIP_KEYS: Mapping[Field, str] = {
    "name": "name",
    "regular_price": "regular_price",
    "sale_price": "sale_price",
    "sale_from": "sale_price",
    "sale_to": "sale_price",
    "weight": "weight",
}
SHOP_VALUES: Mapping[Field, Callable[[Product], Any]] = {
    "name": lambda product: product.name,
    "sku": lambda product: product.sku,
    "regular_price": lambda product: product.regular_price,
    "sale_price": lambda product: product.sale_price,
    "sale_from": lambda product: product.sale_from,
    "sale_to": lambda product: product.sale_to,
    "weight": lambda product: product.weight,
}
OWNERSHIP_EFFECTS: Mapping[str, str] = {
    "always": "kept until the item changes in Balance, then overwritten",
    "if-empty": "kept: Davtari writes this field only if it is empty in the shop",
    "if-unchanged": "kept: a value edited by hand has priority",
    "never": "kept: Davtari does not write this field",
}
UNMANAGED_EFFECTS: Mapping[str, str] = {
    "owner": "kept: the shop does not track stock (stock.manage)",
    "davtari": "enabled again when the stock is next written (stock.manage)",
}
STORED_SO = (
    "the shop stores this form; to avoid it, use a shorter name, or one without markup and backslashes, in Balance"
)


@dataclass(frozen=True, slots=True)
class Drift:
    """A field of a product that differs from what was written; `effect` states what the settings do about it.

    `kept`: it was edited by hand and is not overwritten. `balance`: the value in Balance at the last write, if the
    shop's own value was kept then. `by_shop`: nobody edited it, the shop stores the value in this form.
    """

    shop: str
    item: str
    sku: str
    product_id: int
    field: Field
    ours: str
    theirs: str
    effect: str
    kept: bool = False
    balance: str = ""
    by_shop: bool = False


def compare_product(
    link: ProductLinked, product: Product | None, figure: AvailabilityChanged | None, shop: ShopSettings
) -> Iterator[Drift]:
    """The fields of a linked product that differ from what was written. A field that was never written is ignored."""
    if product is None:
        yield _drift(link, "product", "exists", "deleted", "a new draft is created when the item next changes")
        return
    yield from _compare_fields(link, link.written or WrittenProduct(digest=""), product, shop)
    yield from _compare_stored_name(link, product)
    if figure is not None and figure.mode == "live" and figure.product_id == product.id:
        yield from _compare_stock(link, product, figure, shop)


def _compare_fields(
    link: ProductLinked, written: WrittenProduct, product: Product, shop: ShopSettings
) -> Iterator[Drift]:
    """Compare the written fields. Where Balance owns sale prices, "no sale" counts as written."""
    sales_ours = shop.prices.sale_type is not None and shop.fields.sale_price == "always"
    for field, read in SHOP_VALUES.items():
        ours, theirs = getattr(written, field), read(product)
        cleared = field.startswith("sale_") and sales_ours and written.regular_price is not None
        if (ours is None and not cleared) or _same(field, ours, theirs):
            continue
        owner: Ownership = getattr(shop.fields, OWNERSHIP_KEYS[field]) if field in OWNERSHIP_KEYS else "if-unchanged"
        yield _field_drift(link, field, (_text(ours), _text(theirs)), owner)
    yield from _compare_categories(link, written, product, shop)


def _compare_stored_name(link: ProductLinked, product: Product) -> Iterator[Drift]:
    """A name that the shop stored in another form than it was sent, and that is still stored so."""
    for one in link.stored_otherwise:
        if one.field == "name" and normalize_name(one.stored) == normalize_name(product.name):
            yield replace(_drift(link, "name", one.sent, product.name, STORED_SO), by_shop=True)


def _compare_categories(
    link: ProductLinked, written: WrittenProduct, product: Product, shop: ShopSettings
) -> Iterator[Drift]:
    """People may add categories: only a category of ours that was removed is a difference."""
    ours = written.category_ids or ()
    if set(ours) - set(product.category_ids) and not product.is_variation:
        texts = (", ".join(map(str, ours)), ", ".join(map(str, product.category_ids)) or "none")
        yield _field_drift(link, "category", texts, shop.fields.category)


def _field_drift(link: ProductLinked, field: Field, texts: tuple[str, str], owner: Ownership) -> Drift:
    """The drift of a field with an owner. A value that was kept is shown with that of Balance (claim K21)."""
    name = "sale" if field.startswith("sale_") else field
    balance = next((edit.in_balance for edit in link.kept if edit.field == name), "")
    kept = owner in ("if-unchanged", "never")
    effect = f"{OWNERSHIP_EFFECTS[owner]}; in Balance: {balance}" if kept and balance else OWNERSHIP_EFFECTS[owner]
    return replace(_drift(link, field, *texts, effect), kept=kept, balance=balance)


def _same(field: Field, ours: Any, theirs: Any) -> bool:
    """The shop stores `&` as `&amp;`, and ignores upper and lower case in SKUs (WooCommerce facts 13 and 18)."""
    if isinstance(ours, str) and isinstance(theirs, str):
        ours, theirs = normalize_name(ours) or "", normalize_name(theirs) or ""
        return same_sku(ours) == same_sku(theirs) if field == "sku" else ours == theirs
    return bool(ours == theirs)


def _compare_stock(
    link: ProductLinked, product: Product, figure: AvailabilityChanged, shop: ShopSettings
) -> Iterator[Drift]:
    if product.parent_manages_stock:
        yield _drift(
            link, "manage_stock", "on", "by the parent", "no stock is tracked until the variation tracks its own"
        )
    elif not product.manages_stock:
        yield _drift(link, "manage_stock", "on", "off", UNMANAGED_EFFECTS[shop.stock.manage])
    else:
        yield from _compare_quantity(link, product, figure, shop)


def _compare_quantity(
    link: ProductLinked, product: Product, figure: AvailabilityChanged, shop: ShopSettings
) -> Iterator[Drift]:
    if product.stock_quantity is None or product.stock_quantity == figure.quantity:
        return
    effect = {
        "correct": "overwritten within the hour, unless an order changed it",
        "announce": "kept and reported; overwritten when the figure next changes",
        "off": "kept until the figure next changes",
    }[shop.stock.drift]
    yield _drift(link, "stock", _text(figure.quantity), _text(product.stock_quantity), effect)


def _drift(link: ProductLinked, field: Field, ours: str, theirs: str, effect: str) -> Drift:
    return Drift(link.shop, link.item, link.sku, link.product_id, field, ours, theirs, effect)


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, datetime) else str(value)


@command
async def drift_command(shop: Shop = "", json: Json = False) -> int:
    """List product fields that differ in the shop from what Davtari wrote, and what the settings do about it.

    Changes nothing. The exit code is 1 if a field was edited. No value is ever copied to Balance.
    """
    chosen = read_settings()
    found, left_out = await find_drift(chosen, select_shop(chosen, shop))
    print_json([asdict(one) for one in found]) if json else _print_drift(found)
    report_unreadable(left_out)
    return FAILED if left_out or any(not one.by_shop for one in found) else 0


async def find_drift(chosen: Settings, shop: str) -> tuple[list[Drift], list[UnreadableRecord]]:
    """Compare every linked product of a shop. Returns the differences and the products that cannot be read.

    Reads the whole catalogue, a hundred products per call. Raises `UpstreamError`.
    """
    links: dict[str, ProductLinked] = {}
    figures: dict[str, AvailabilityChanged] = {}
    async for envelope in read_events(chosen, TOPICS):
        match envelope.data:
            case ProductLinked() as link if link.shop == shop:
                links[link.key] = link
            case ProductUnlinked() as unlinked if unlinked.shop == shop:
                links.pop(unlinked.key, None)
            case AvailabilityChanged() as figure if figure.shop == shop:
                figures[figure.key] = figure
    products, left_out = dict[int, Product](), list[UnreadableRecord]()
    async with open_shop(chosen, shop, utc_now) as client:
        async for product in skip_unreadable(client.every_product(), left_out):
            products[product.id] = product
        missing = [link.product_id for link in links.values() if link.product_id not in products] if left_out else []
        unreadable = [id_ for id_ in missing if not await _is_deleted(client, id_)]
    rules = chosen.shops[shop]
    ordered = sorted((link for link in links.values() if link.product_id not in unreadable), key=lambda link: link.sku)
    found = [
        one
        for link in ordered
        for one in compare_product(link, products.get(link.product_id), figures.get(link.key), rules)
    ]
    return found, left_out


async def _is_deleted(client: WooCommerce, product_id: int) -> bool:
    """Whether the shop has no such product. A product that exists but cannot be read is not drift."""
    try:
        return await client.product(product_id) is None
    except ReadError:
        return False


def _print_drift(found: list[Drift]) -> None:
    if not found:
        console.print("No differences: the shop has what Davtari wrote.")
        return
    rows = [(one.sku, f"#{one.product_id}", one.field, one.ours, one.theirs, one.effect) for one in found]
    console.print(build_table(("SKU", "product", "field", "written", "in the shop", "effect of the settings"), rows))
    kept = sum(one.kept for one in found)
    text = f" {kept} were edited by hand and are kept." if kept else ""
    console.print(f"Fields that differ: {len(found)}.{text} Nothing is copied to Balance.", soft_wrap=True)
