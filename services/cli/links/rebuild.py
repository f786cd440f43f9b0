"""Rebuilds the links from the shop: by the uid stored with each product, and by SKU (claims S2.3, I15).

Adoption finds products only by SKU; this also finds products whose SKU was changed in the shop. Ambiguous products are
refused by the same rule as in adoption.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from contracts.balance import ItemChanged
from services.accounting.catalogue.eligibility import (
    Eligible,
    Skip,
    check_eligibility,
    item_sku_ref,
    item_traits,
    same_sku,
)
from services.accounting.catalogue.product_match import ProductMatch, are_translations, item_uid_in, match_product
from services.cli.links.table import LinkLine
from services.cli.links.verdicts import KnownLinks, LinkVerdict, judge_match, refuse_duplicates
from services.connectors.http.listing import UnreadableRecord, skip_unreadable
from services.connectors.woocommerce.product import Product


class AllProducts(Protocol):
    """The products of a shop."""

    def every_product(self) -> AsyncIterator[Product | UnreadableRecord]: ...

    def trashed_products(self) -> AsyncIterator[Product | UnreadableRecord]: ...


@dataclass(frozen=True, slots=True)
class ShopProducts:
    """The products of the shop by stored uid and by SKU, and the items to be sold by SKU."""

    known: KnownLinks
    marked: defaultdict[str, list[Product]] = field(default_factory=lambda: defaultdict(list))
    by_sku: defaultdict[str, list[Product]] = field(default_factory=lambda: defaultdict(list))
    sold: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, product: Product) -> None:
        """Add a product."""
        self.by_sku[same_sku(product.sku)].append(product)
        self.marked[item_uid_in(product, self.known.meta_key)].append(product)

    def candidates(self, item: ItemChanged) -> dict[int, Product]:
        """The possible products of an item, by id."""
        ours, sku = self.marked.get(item.item.casefold(), []), item_sku_ref(item)
        return {product.id: product for product in (*ours, *(self.by_sku.get(sku, []) if sku else ()))}


async def rebuild_links(shop: AllProducts, known: KnownLinks) -> list[LinkVerdict]:
    """Judge each item with possible products, and report each unreadable product.

    Raises `UpstreamError`.
    """
    seen, left_out = ShopProducts(known), list[UnreadableRecord]()
    for item in known.items.values():
        if known.rules is None or isinstance(check_eligibility(item_traits(item), known.rules), Eligible):
            seen.sold[item_sku_ref(item)].append(item.item)
    for products in (shop.every_product(), shop.trashed_products()):
        async for product in skip_unreadable(products, left_out):
            seen.add(product)
    verdicts = [verdict for uid in sorted(known.items) for verdict in _of_item(known.items[uid], seen)]
    unread = [LinkVerdict(LinkLine(0, "", ""), why=one.detail) for one in left_out]
    return [*refuse_duplicates([verdict for verdict in verdicts if not verdict.done]), *unread]


def _of_item(item: ItemChanged, seen: ShopProducts) -> list[LinkVerdict]:
    line, candidates = LinkLine(0, item.item, (item.sku or "").strip()), seen.candidates(item)
    if link := seen.known.links.get(item.item):
        return _translations(line, candidates, link.product_id, seen.known)
    if item.item.casefold() not in seen.marked and (why := _not_by_sku(item, seen)) is not None:
        return [LinkVerdict(line, why=why)] if why and candidates else []
    return _matched(line, candidates.values(), seen.known)


def _not_by_sku(item: ItemChanged, seen: ShopProducts) -> str | None:
    """Why an item cannot be found by SKU: it is not sold (empty text), or another item has the SKU."""
    sharers = seen.sold[item_sku_ref(item)]
    if item.item not in sharers:
        return ""
    others = ", ".join(other for other in sharers if other != item.item)
    return f"SKU {item.sku} is also the SKU of item {others}; give each item its own SKU in Balance" if others else None


def _matched(line: LinkLine, candidates: Iterable[Product], known: KnownLinks) -> list[LinkVerdict]:
    match match_product(known.wanted(line.item, line.sku), candidates):
        case ProductMatch() as found:
            return judge_match(_at(line, found.product), found, known)
        case Skip() as skip:
            return [LinkVerdict(line, why=skip.detail)]
        case _:
            return []


def _at(line: LinkLine, product: Product) -> LinkLine:
    """The line with the SKU and ids of the product."""
    ids = (product.parent_id, product.id) if product.is_variation else (product.id, 0)
    return LinkLine(line.number, line.item, product.sku, *ids)


def _translations(
    line: LinkLine, candidates: Mapping[int, Product], linked: int, known: KnownLinks
) -> list[LinkVerdict]:
    """Keep the link, and add new translations."""
    if linked not in candidates:
        return []
    product = candidates[linked]
    new = [one for one in candidates.values() if one.id != linked and are_translations([product, one])]
    return judge_match(_at(line, product), ProductMatch(product, tuple(new)), known)
