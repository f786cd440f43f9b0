"""Products that only the shop has: listed, never changed, never created in Balance (claims S3.6, S2.14)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.balance import ItemChanged
from contracts.catalog import ProductLinked, ProductUnlinked
from contracts.envelope import Envelope
from contracts.model import Event
from services.accounting.catalogue.eligibility import Skip, same_sku
from services.cli.csv_file import write_csv
from services.cli.plans.catalogue import KnownCatalogue, judge_items
from services.cli.screen import build_table, compose, console, styled
from services.connectors.woocommerce.product import Product

SHOP_ONLY_HEADINGS = ("product", "SKU", "name", "status", "price", "why it is not linked")
PARENT_TYPES = frozenset({"variable", "grouped"})
"""Product types that only contain others, which are linked themselves."""
MOST_SHOWN = 40
NOT_IN_BALANCE = "Balance has no item with this SKU"
"""The reason of products that could become items."""


@dataclass(frozen=True, slots=True)
class ShopOnlyProduct:
    """A product without an item; `why` states the reason."""

    product_id: int
    sku: str
    name: str
    status: str
    price: str
    why: str

    @property
    def row(self) -> tuple[int | str, ...]:
        """The cells of a table row."""
        return self.product_id, self.sku, self.name, self.status, self.price, self.why


def linked_products(shop: str, envelopes: Iterable[Envelope[Event]]) -> frozenset[int]:
    """The products, variations and parents of variations that are linked to an item."""
    links: dict[str, ProductLinked] = {}
    for event in (envelope.data for envelope in envelopes):
        match event:
            case ProductLinked() if event.shop == shop:
                links[event.item] = event
            case ProductUnlinked() if event.shop == shop:
                links.pop(event.item, None)
    parents = {
        parent for link in links.values() for parent in (link.parent_id, *(one.parent_id for one in link.further))
    }
    return frozenset({id_ for link in links.values() for id_ in link.product_ids} | parents)


async def find_shop_only(
    catalogue: KnownCatalogue, linked: frozenset[int], products: AsyncIterator[Product]
) -> list[ShopOnlyProduct]:
    """Find the products without a linked item; parents of variations are not counted."""
    whys = _whys(catalogue)
    return [
        _shop_only_product(product, whys)
        async for product in products
        if product.id not in linked and product.type not in PARENT_TYPES
    ]


def _whys(catalogue: KnownCatalogue) -> Mapping[str, str]:
    """Why the item with each SKU is not linked."""
    found = judge_items(catalogue.items, catalogue.rules)
    return {same_sku(item.sku): _why(item, found[uid]) for uid, item in catalogue.items.items() if item.sku}


def _why(item: ItemChanged, verdict: object) -> str:
    text = f"item {item.item} has this SKU"
    return (
        f"{text}, but is not sold: {verdict.detail}" if isinstance(verdict, Skip) else f"{text}; see davtari plan items"
    )


def _shop_only_product(product: Product, whys: Mapping[str, str]) -> ShopOnlyProduct:
    nowhere = NOT_IN_BALANCE if product.sku else "it has no SKU"
    price = str(product.regular_price or "")
    why = whys.get(same_sku(product.sku), nowhere) if product.sku else nowhere
    return ShopOnlyProduct(product.id, product.sku, product.name, product.status, price, why)


def show_shop_only(shop: str, found: list[ShopOnlyProduct]) -> None:
    """Print the first products, and what to do."""
    console.print(
        compose(
            styled(f"{len(found)} products are only in shop {shop}", "bold"),
            " · they are never changed, and not created in Balance",
        )
    )
    if found:
        console.print(build_table(SHOP_ONLY_HEADINGS, [one.row for one in found[:MOST_SHOWN]], right=(0,)))
        console.print("  List for the accountant: davtari plan shop-only --csv FILE")
        console.print(f"  Propose for approval:    davtari propose items --shop {shop}")


def write_shop_only_csv(found: Iterable[ShopOnlyProduct], path: Path) -> None:
    """Write a list from which the accountant can create items in Balance."""
    write_csv(path, SHOP_ONLY_HEADINGS, (one.row for one in found))
