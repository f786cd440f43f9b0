"""Products: finding them by SKU wherever they are, and writing them in batches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import quote

from services.connectors.http.unreadable import Unreadable
from services.connectors.woocommerce import lists, php
from services.connectors.woocommerce.api import Api
from services.connectors.woocommerce.batch import ItemResult, batch
from services.connectors.woocommerce.changes import changes
from services.connectors.woocommerce.cursor import Cursor
from services.connectors.woocommerce.pages import rows
from services.connectors.woocommerce.product import FIELDS, Product, listed_product, read_product
from services.connectors.woocommerce.product_write import ProductWrite
from services.engine.outbox.upstream_errors import NotFound

ROUTE = "/products"
MOST_SKUS = 100
"""API fact: a page holds so many rows; a look-up takes hardly longer for 100 SKUs than for fewer."""
LONGEST_QUERY = 3000
"""Characters. API fact: a URL of 5.6 kB passes, one of 11 kB is refused with 414; a Georgian letter takes 9."""
BY_ID = {"orderby": "id", "order": "asc", "_fields": FIELDS}
Listed = Product | Unreadable
_EVERYWHERE: tuple[dict[str, str], ...] = ({}, {"status": "trash"})
"""API fact: the usual list holds every status but the trash, and variations when SKUs are asked."""


async def by_sku(api: Api, skus: Iterable[str]) -> dict[str, tuple[Listed, ...]]:
    """The products and variations of each SKU, in every status and in the trash; empty where there is none.

    Letter case and outer blanks do not matter, as in the shop. An empty SKU is never asked for: it would match all.
    One that cannot be read stands as `Unreadable` under the SKU that it shows.
    """
    wanted = [sku for sku in dict.fromkeys(skus) if sku.strip()]
    found: dict[str, dict[Any, Listed]] = {}
    for chunk in chunks(sorted({sku.strip() for sku in wanted})):
        for status in _EVERYWHERE:
            async for row in rows(api, ROUTE, {"sku": chunk, **BY_ID, **status}):
                product = listed_product(api.shop, row)
                identity = product.detail if isinstance(product, Unreadable) else product.id
                found.setdefault(_same(_sku(row)), {})[identity] = product
    return {sku: tuple(found.get(_same(sku), {}).values()) for sku in wanted}


async def by_id(api: Api, product_id: int) -> Product | None:
    """A product or variation; None when the shop does not know it (any more)."""
    try:
        return read_product(api.shop, await api.get(f"{ROUTE}/{product_id}"))
    except NotFound:
        return None


async def count(api: Api) -> int:
    """How many products there are in every status but the trash, variations aside; no product is read but one."""
    page = await api.page(ROUTE, {"per_page": 1, "_fields": "id"})
    return len(page.rows) if page.total_pages is None else page.total_pages


async def image_ids(api: Api, product_id: int) -> tuple[int, ...]:
    """The pictures of a product, the main one first."""
    row = await api.get(f"{ROUTE}/{product_id}", _fields="id,images")
    return read_product(api.shop, row).image_ids


def changed_since(api: Api, cursor: Cursor) -> AsyncIterator[Listed]:
    """The products modified since the cursor, oldest change first; our own writes are among them."""
    return lists.read_each(lambda skip: changes(api, ROUTE, cursor, skip=skip, _fields=FIELDS), _reader(api))


def trashed(api: Api) -> AsyncIterator[Listed]:
    """Every product in the trash, variations aside."""
    return lists.every(api, ROUTE, {**BY_ID, "status": "trash"}, _reader(api))


async def every(api: Api) -> AsyncIterator[Listed]:
    """Every product in every status but the trash, and the variations of each: a call for each variable product."""
    async for product in lists.every(api, ROUTE, BY_ID, _reader(api)):
        yield product
        if isinstance(product, Product) and product.type == "variable":
            async for variation in _variations(api, product.id):
                yield variation


def _variations(api: Api, product_id: int) -> AsyncIterator[Listed]:
    def read(row: dict[str, Any]) -> Product:
        held = read_product(api.shop, {"type": "variation", **row})
        return held if held.parent_id else replace(held, parent_id=product_id)

    return lists.every(api, f"{ROUTE}/{product_id}/variations", {"_fields": FIELDS}, read)


def _reader(api: Api) -> Callable[[dict[str, Any]], Product]:
    return partial(read_product, api.shop)


async def create(api: Api, products: Sequence[ProductWrite]) -> list[ItemResult]:
    """Makes up to 100 products in one call. The SKU is the lock: a second product of one SKU is refused."""
    if any(product.id is not None for product in products):
        raise ValueError("a product with an id is updated, not created")
    return await batch(api, ROUTE, "create", [product.json_body() for product in products])


async def update(api: Api, products: Sequence[ProductWrite]) -> list[ItemResult]:
    """Writes up to 100 products in one call; variations are refused here (use `variations.update`)."""
    if any(product.id is None for product in products):
        raise ValueError("an update needs the product's id: WooCommerce knows no update by SKU")
    return await batch(api, ROUTE, "update", [product.json_body() for product in products])


def chunks(skus: Sequence[str]) -> Iterator[str]:
    """SKUs joined for `?sku=`, short enough for any web server. One with a comma goes alone: the shop splits there."""
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


def _sku(row: Any) -> str:
    return (php.text(row.get("sku")) or "").strip() if isinstance(row, dict) else ""


def _same(sku: str) -> str:
    return sku.strip().casefold()
