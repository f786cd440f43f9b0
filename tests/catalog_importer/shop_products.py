"""Products as a shop lists them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from contracts.balance import ItemChanged
from contracts.catalog import ProductLinked
from services.cli.links.verdicts import KnownLinks
from services.connectors.woocommerce.product import Product
from tests.catalog_importer.catalogue_bench import TEA_CATEGORY, item, settings
from tests.support.memory_state import NOON

LISTED_TEA = Product(
    id=311,
    parent_id=0,
    sku="TEA-100",
    name="Tea & more",
    type="simple",
    status="publish",
    regular_price=Decimal("14.75"),
    sale_price=None,
    price=Decimal("14.75"),
    sale_from=None,
    sale_to=None,
    weight=None,
    category_ids=(TEA_CATEGORY,),
    manages_stock=True,
    stock_quantity=Decimal(3),
    modified_at=NOON,
    meta={},
)


def cup(id_: int = 311, **more: Any) -> Product:
    return replace(LISTED_TEA, **{"id": id_, "sku": "CUP", "name": "Cup", **more})


class ListedProducts:
    """The products of a shop."""

    def __init__(self, products: Sequence[Product]) -> None:
        self.products = products

    async def every_product(self) -> AsyncIterator[Product]:
        for one in self.products:
            if one.status != "trash":
                yield one

    async def trashed_products(self) -> AsyncIterator[Product]:
        for one in self.products:
            if one.status == "trash":
                yield one

    async def product(self, product_id: int) -> Product | None:
        return next((one for one in self.products if one.id == product_id), None)

    async def products_by_sku(self, skus: Any) -> dict[str, Sequence[Product]]:
        return {sku: [one for one in self.products if one.sku.strip().casefold() == sku.casefold()] for sku in skus}


META = "_balance_uid"
CUP = item("cup-1", sku="CUP")
OURS, OTHERS, UNKNOWN = {META: "cup-1"}, {META: "mug-1"}, {META: "of-another-installation"}
SHOP = settings().shops["main"]


def known(*items: ItemChanged, tied: Sequence[ProductLinked] = (), rules: bool = False) -> KnownLinks:
    by_uid = {one.item: one for one in items or (CUP,)}
    return KnownLinks(by_uid, {link.item: link for link in tied}, META, SHOP.catalogue if rules else None)


def tie(product_id: int = 311, **more: Any) -> ProductLinked:
    published = {"shop": "main", "item": "cup-1", "product_id": product_id, "sku": "CUP", "how": "adopted"}
    return ProductLinked.model_validate(published | {"linked_at": NOON} | more)
