"""Which item an order's line means, and which orders' lines mean an item: by linked product, else by SKU."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.catalog import ProductLinked
from contracts.model import Part, Uid
from services.accounting.documents.translations import SKU_LINK, items_by_sku, remember_sku, same_sku, sku_ref
from services.engine.state.records import Kind, State
from services.stock_publisher.in_flight import Claim
from services.stock_publisher.records import CLAIM, LINK, MOVES, SKU_CLAIM
from services.stock_publisher.shop_order import Asked


class LinkedProduct(Part):
    """A product that is linked to an item: its own, or a further one (a translation)."""

    item: Uid


LINKED = Kind("linked-product", LinkedProduct)
"""By shop:item:product; found by shop:product."""


def product_ref(shop: str, product: int) -> str:
    """How a product or variation of a shop is referred to."""
    return f"{shop}:{product}"


def remember_link(link: ProductLinked, state: State) -> set[str]:
    """Keep a link; gives the items whose orders may be others now: those that share its SKU, before or after."""
    affected = forget_link(before, state) if (before := state.get(LINK, link.key)) else set()
    state.put(LINK, link.key, link)
    linked = LinkedProduct(item=link.item)
    for product in link.product_ids:
        state.put(LINKED, f"{link.key}:{product}", linked, ref=product_ref(link.shop, product))
    remember_sku(link, state)
    return affected | {link.item, *items_by_sku(link.shop, link.sku, state)}


def forget_link(link: ProductLinked, state: State) -> set[str]:
    """Drop a link; gives the items whose orders may be others now."""
    affected = {link.item, *items_by_sku(link.shop, link.sku, state)}
    for product in link.product_ids:
        state.drop(LINKED, f"{link.key}:{product}")
    state.drop(LINK, link.key)
    state.drop(SKU_LINK, link.key)
    return affected


def items_of(shop: str, line: Asked | Claim, state: State) -> tuple[str, ...]:
    """The items that a line means: those that its product is linked to, else the one item with its SKU."""
    linked = state.find(LINKED, product_ref(shop, line.product)) if line.product else {}
    if linked:
        return tuple(sorted({one.item for one in linked.values()}))
    found = items_by_sku(shop, line.sku, state)
    return found if len(found) == 1 else ()


def claims_on(link: ProductLinked, state: State) -> dict[str, Claim]:
    """What orders hold of an item: of its products, and of unlinked products with its SKU; by key."""
    found: dict[str, Claim] = {}
    for product in link.product_ids:
        found |= state.find(CLAIM, product_ref(link.shop, product))
    by_sku = state.find(SKU_CLAIM, sku_ref(link.shop, link.sku))
    return found | {key: one for key, one in by_sku.items() if items_of(link.shop, one, state) == (link.item,)}


def moves_of(link: ProductLinked, state: State) -> int:
    """How often orders may have made the shop move the stock of an item's products by itself."""
    refs = [*(product_ref(link.shop, product) for product in link.product_ids), sku_ref(link.shop, link.sku)]
    return sum(known.count for ref in refs if (known := state.get(MOVES, ref)))


def moves_counted(shop: str, line: Asked, state: State) -> Iterator[str]:
    """Under which references a movement of a line's product counts: its product, and its SKU if that is not linked."""
    if line.product:
        yield product_ref(shop, line.product)
    if same_sku(line.sku) and not (line.product and state.find(LINKED, product_ref(shop, line.product))):
        yield sku_ref(shop, line.sku)
