"""Products, variations and categories: finding products by SKU wherever they are, and writing them in batches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import PlainValidator

from contracts.reasons import Reason
from services.connectors.http.listing import Listing, UnreadableRecord, collect_listing
from services.connectors.woocommerce import php
from services.connectors.woocommerce.api import ShopApi
from services.connectors.woocommerce.batch import ItemResult, send_batch
from services.connectors.woocommerce.changes import Cursor, read_changes
from services.connectors.woocommerce.pages import read_each, read_records, read_rows
from services.connectors.woocommerce.product import FIELDS, Product, ProductWrite, read_listed_product, read_product
from services.connectors.woocommerce.read import Answered, Id, Label, name_record, reading_record
from services.engine.outbox.upstream_errors import NotFound, Rejected

ROUTE = "/products"
CATEGORIES = "/products/categories"
MOST_SKUS = 100
"""WooCommerce fact 31: the most rows of a page; looking up 100 SKUs takes hardly longer than looking up a few."""
LONGEST_QUERY = 3000
"""Bytes. WooCommerce fact 35: a URL of 5.6 kB passes, one of 11 kB is refused (414); a Georgian character takes 9."""
BY_ID = {"orderby": "id", "order": "asc", "_fields": FIELDS}
CATEGORY_EXISTS = "term_exists"
"""WooCommerce's code for a category with an existing name under the same parent (WooCommerce fact 69)."""
ListedProduct = Product | UnreadableRecord
_EVERYWHERE: tuple[dict[str, str], ...] = ({}, {"status": "trash"})
"""WooCommerce facts 25 and 32: the usual list has every status but the trash, and variations if asked by SKU."""


class Category(Answered):
    """A category; `parent` is 0 at the top."""

    id: Id
    name: Label = ""
    parent: Annotated[int, PlainValidator(lambda value: php.whole(value) or 0)] = 0


class ProductCalls:
    """The calls that concern products, variations and categories."""

    _api: ShopApi

    async def products_by_sku(self, skus: Iterable[str]) -> dict[str, tuple[ListedProduct, ...]]:
        """The products and variations of each SKU, in every status and in the trash; empty if there is none.

        Letter case and outer blanks do not matter, as in the shop (WooCommerce fact 18). An empty SKU is not asked for,
        since it would match all. A record that cannot be read is an `UnreadableRecord` under the SKU that it shows.
        """
        wanted = [sku for sku in dict.fromkeys(skus) if sku.strip()]
        found: dict[str, dict[Any, ListedProduct]] = {}
        for chunk in chunk_skus(sorted({sku.strip() for sku in wanted})):
            for status in _EVERYWHERE:
                async for row in read_rows(self._api, ROUTE, {"sku": chunk, **BY_ID, **status}):
                    product = read_listed_product(self._api.shop, row)
                    identity = product.detail if isinstance(product, UnreadableRecord) else product.id
                    found.setdefault(_normalize_sku(_sku_of(row)), {})[identity] = product
        return {sku: tuple(found.get(_normalize_sku(sku), {}).values()) for sku in wanted}

    async def product(self, product_id: int) -> Product | None:
        """A product or variation; None if the shop has none with this id."""
        try:
            return read_product(self._api.shop, await self._api.get(f"{ROUTE}/{product_id}"))
        except NotFound:
            return None

    async def product_count(self) -> int:
        """The number of products without variations and trash; only one product is read for it."""
        page = await self._api.page(ROUTE, {"per_page": 1, "_fields": "id"})
        return len(page.rows) if page.total_pages is None else page.total_pages

    async def image_ids(self, product_id: int) -> tuple[int, ...]:
        """The images of a product, the main one first."""
        row = await self._api.get(f"{ROUTE}/{product_id}", _fields="id,images")
        return read_product(self._api.shop, row).image_ids

    def product_changes(self, cursor: Cursor) -> AsyncIterator[ListedProduct]:
        """The products modified since the cursor, oldest change first; our own writes are among them."""
        read = partial(read_product, self._api.shop)
        return read_each(lambda skip: read_changes(self._api, ROUTE, cursor, skip=skip, _fields=FIELDS), read)

    def trashed_products(self) -> AsyncIterator[ListedProduct]:
        """Every product in the trash, without variations."""
        return read_records(self._api, ROUTE, {**BY_ID, "status": "trash"}, partial(read_product, self._api.shop))

    async def every_product(self) -> AsyncIterator[ListedProduct]:
        """Every product that is not in the trash, followed by its variations: one call per variable product."""
        async for product in read_records(self._api, ROUTE, BY_ID, partial(read_product, self._api.shop)):
            yield product
            if isinstance(product, Product) and product.type == "variable":
                async for variation in self._variations_of(product.id):
                    yield variation

    def _variations_of(self, product_id: int) -> AsyncIterator[ListedProduct]:
        read = _variation_reader(self._api.shop, product_id)
        return read_records(self._api, f"{ROUTE}/{product_id}/variations", {"_fields": FIELDS}, read)

    async def create_products(self, writes: Sequence[ProductWrite]) -> list[ItemResult]:
        """Create up to 100 products in one call; results are in the order of the request.

        The SKU is the lock: a second product with the same SKU is refused (WooCommerce fact 17).
        """
        if any(write.id is not None for write in writes):
            raise ValueError("a product with an id is updated, not created")
        return await send_batch(self._api, ROUTE, "create", [write.to_json() for write in writes])

    async def update_products(self, writes: Sequence[ProductWrite]) -> list[ItemResult]:
        """Update up to 100 products in one call; results are in the order of the request.

        Variations are refused here: use `update_variations` (WooCommerce fact 25).
        """
        if any(write.id is None for write in writes):
            raise ValueError("an update needs the product's id: WooCommerce cannot update by SKU")
        return await send_batch(self._api, ROUTE, "update", [write.to_json() for write in writes])

    async def update_variations(self, parent_id: int, writes: Sequence[ProductWrite]) -> list[ItemResult]:
        """Update up to 100 variations of one product in one call."""
        if any(write.id is None for write in writes):
            raise ValueError("an update needs the variation's id")
        route = f"{ROUTE}/{parent_id}/variations"
        return await send_batch(self._api, route, "update", [write.to_json() for write in writes])

    async def categories(self) -> Listing[Category]:
        """All product categories, by id."""
        params = {"orderby": "id", "order": "asc", "hide_empty": "false", "_fields": "id,name,parent"}
        read = partial(_read_category, self._api.shop)
        return await collect_listing(read_records(self._api, CATEGORIES, params, read))

    async def create_category(self, name: str) -> Category:
        """Create a category at the top; if one with this name exists there, return that one."""
        try:
            return _read_category(self._api.shop, await self._api.write("POST", CATEGORIES, {"name": name}))
        except Rejected as error:
            if error.code != CATEGORY_EXISTS:
                raise
            existing = (await self.categories()).records
            if (found := next((one for one in existing if _is_at_top(one, name)), None)) is None:
                raise
            return found


def chunk_skus(skus: Sequence[str]) -> Iterator[str]:
    """SKUs joined for `?sku=`, short enough for any web server. One with a comma is sent alone."""
    chunk: list[str] = []
    for sku in skus:
        if "," in sku:
            yield sku
        elif chunk and (len(chunk) == MOST_SKUS or len(quote(",".join([*chunk, sku]))) > LONGEST_QUERY):
            yield ",".join(chunk)
            chunk = [sku]
        else:
            chunk.append(sku)
    if chunk:
        yield ",".join(chunk)


def _variation_reader(shop: str, product_id: int) -> Callable[[dict[str, Any]], Product]:
    def read(row: dict[str, Any]) -> Product:
        variation = read_product(shop, {"type": "variation", **row})
        return variation if variation.parent_id else replace(variation, parent_id=product_id)

    return read


def _sku_of(row: Any) -> str:
    return (php.text(row.get("sku")) or "").strip() if isinstance(row, dict) else ""


def _normalize_sku(sku: str) -> str:
    return sku.strip().casefold()


def _is_at_top(category: Category, name: str) -> bool:
    return category.name.casefold() == name.casefold() and not category.parent


def _read_category(shop: str, row: dict[str, Any]) -> Category:
    with reading_record(f"shop {shop}: {name_record('category', row)}", Reason.SHOP_BAD_ANSWER):
        return Category.model_validate(row)
