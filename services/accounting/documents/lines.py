"""Which item an order line means: the linked product, or the one item whose linked product has its SKU.

A shop may hold one article as several products: translations, for one, share the SKU of the original. An unlinked line
whose SKU belongs to exactly one linked item counts as that item, in documents and in stock. Of two items with one SKU
neither is meant. SKUs are compared as the catalogue compares them: letter case and outer blanks do not count.
"""

from __future__ import annotations

from collections.abc import Iterable

from contracts.catalog import ProductLinked, ProductUnlinked
from contracts.model import Part, Uid
from contracts.shop import OrderLine
from services.engine.state.records import Kind, State

# Which order lines move goods out of stock.


def takes_goods(line: OrderLine) -> bool:
    """Whether the line sells goods: a product line whose amount is not below zero.

    A product line with a negative amount is a discount; its goods, if it names any, stay where they are.
    """
    return line.kind == "product" and line.total + line.total_tax >= 0


class SkuLink(Part):
    """A linked product of the shop, its SKU there, and its item."""

    item: Uid
    product_id: int
    sku: str


class LinkedSkus(Part):
    """The products of a link whose SKUs are kept."""

    products: tuple[int, ...]


SKU_LINK = Kind("sku-link", SkuLink)
"""By `shop:product`; the reference is the product's SKU (`sku_ref`)."""
LINKED_SKUS = Kind("linked-skus", LinkedSkus)
"""By `shop:item`."""


def normalize_sku(sku: str) -> str:
    """The SKU in the form in which SKUs are compared; empty for none."""
    return sku.strip().casefold()


def sku_ref(shop: str, sku: str) -> str:
    """The key of a SKU in a shop."""
    return f"{shop}|{normalize_sku(sku)}"


def store_skus(link: ProductLinked, state: State) -> tuple[str, ...]:
    """Store the item of the SKUs of a link's products. Returns the `sku_ref`s whose item may have changed."""
    before = _remove(link.shop, link.key, state)
    products = {link.product_id: link.sku} | {one.product_id: one.sku for one in link.further}
    named = {product: sku for product, sku in products.items() if normalize_sku(sku)}
    for product, sku in named.items():
        known = SkuLink(item=link.item, product_id=product, sku=sku)
        state.put(SKU_LINK, f"{link.shop}:{product}", known, ref=sku_ref(link.shop, sku))
    state.put(LINKED_SKUS, link.key, LinkedSkus(products=tuple(named)))
    return tuple(sorted(before ^ {sku_ref(link.shop, sku) for sku in named.values()}))


def remove_skus(link: ProductUnlinked, state: State) -> tuple[str, ...]:
    """Remove the SKUs of an unlinked item. Returns the `sku_ref`s whose item may have changed."""
    return tuple(sorted(_remove(link.shop, link.key, state)))


def _remove(shop: str, key: str, state: State) -> set[str]:
    """Remove what is stored about a link. Returns the SKUs that it had."""
    known = state.get(LINKED_SKUS, key)
    links = state.get_many(SKU_LINK, (f"{shop}:{product}" for product in (known.products if known else ())))
    own = {product: link for product, link in links.items() if f"{shop}:{link.item}" == key}
    for product in own:
        state.drop(SKU_LINK, product)
    state.drop(LINKED_SKUS, key)
    return {sku_ref(shop, link.sku) for link in own.values()}


def items_by_sku(shop: str, skus: Iterable[str], state: State) -> dict[str, tuple[str, ...]]:
    """For each SKU the items whose linked products have it: one is meant by a line with it, several are ambiguous."""
    refs = {sku: sku_ref(shop, sku) for sku in skus if normalize_sku(sku)}
    links = state.find_many(SKU_LINK, refs.values())
    return {sku: tuple(sorted({link.item for link in links[ref].values()})) for sku, ref in refs.items()}
