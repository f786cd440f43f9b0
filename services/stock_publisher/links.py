"""Which item an order's line means, and which orders' lines mean an item: by linked product, else by SKU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from contracts.catalog import ProductLinked
from contracts.model import Part, Uid
from services.accounting.documents.translations import SKU_LINK, items_by_sku, remember_sku, same_sku, sku_ref
from services.engine.state.records import Kind, State
from services.stock_publisher.in_flight import Claim
from services.stock_publisher.records import CLAIM, LINK, MOVES, SKU_CLAIM, Moves
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
    return affected | _sharers(link, state)


def forget_link(link: ProductLinked, state: State) -> set[str]:
    """Drop a link; gives the items whose orders may be others now."""
    affected = _sharers(link, state)
    for product in link.product_ids:
        state.drop(LINKED, f"{link.key}:{product}")
    state.drop(LINK, link.key)
    state.drop(SKU_LINK, link.key)
    return affected


def _sharers(link: ProductLinked, state: State) -> set[str]:
    """The item of a link, and those whose products have its SKU."""
    return {link.item, *items_by_sku(link.shop, [link.sku], state).get(link.sku, ())}


def items_of(shop: str, lines: Iterable[Asked | Claim], state: State) -> list[tuple[str, ...]]:
    """For each line the items that it means: those that its product is linked to, else the one item with its SKU."""
    lines = list(lines)
    linked = _linked(shop, lines, state)
    by_sku = items_by_sku(shop, (line.sku for line in lines if line.product not in linked), state)
    return [linked.get(line.product) or _sole(by_sku.get(line.sku, ())) for line in lines]


def _sole(items: tuple[str, ...]) -> tuple[str, ...]:
    return items if len(items) == 1 else ()


def _linked(shop: str, lines: Iterable[Asked | Claim], state: State) -> dict[int, tuple[str, ...]]:
    """The items that the products of these lines are linked to, by product."""
    refs = {line.product: product_ref(shop, line.product) for line in lines if line.product}
    found = state.find_many(LINKED, refs.values())
    return {
        product: tuple(sorted({one.item for one in found[ref].values()})) for product, ref in refs.items() if found[ref]
    }


def claims_on(link: ProductLinked, state: State) -> dict[str, Claim]:
    """What orders hold of an item: of its products, and of unlinked products with its SKU; by key."""
    by_product = state.find_many(CLAIM, (product_ref(link.shop, product) for product in link.product_ids))
    found = {key: claim for claims in by_product.values() for key, claim in claims.items()}
    by_sku = state.find(SKU_CLAIM, sku_ref(link.shop, link.sku))
    meant = items_of(link.shop, by_sku.values(), state)
    return found | {key: one for (key, one), items in zip(by_sku.items(), meant, strict=True) if items == (link.item,)}


def moves_of(link: ProductLinked, state: State) -> int:
    """How often orders may have made the shop move the stock of an item's products by itself."""
    refs = [*(product_ref(link.shop, product) for product in link.product_ids), sku_ref(link.shop, link.sku)]
    return sum(known.count for known in state.get_many(MOVES, refs).values())


def count_moves(shop: str, lines: Iterable[Asked], state: State) -> None:
    """Count a movement of each line's product under the product, and under its SKU if that product is not linked."""
    lines = list(lines)
    linked = _linked(shop, lines, state)
    refs = [product_ref(shop, line.product) for line in lines if line.product]
    refs += [sku_ref(shop, line.sku) for line in lines if same_sku(line.sku) and line.product not in linked]
    known = state.get_many(MOVES, refs)
    for ref, count in Counter(refs).items():
        state.put(MOVES, ref, Moves(count=count + (known[ref].count if ref in known else 0)))
