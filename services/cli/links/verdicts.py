"""Decides for each line of a link table: a link, nothing to do, or why it is refused. Products are read first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from contracts.balance import ItemChanged
from contracts.catalog import ProductLinked
from contracts.linking import RequestedLink
from services.accounting.catalogue.eligibility import Skip, same_sku
from services.accounting.catalogue.product_match import (
    CONTAINER_TYPES,
    MatchQuery,
    ProductMatch,
    item_uid_in,
    match_product,
)
from services.cli.command import InvalidArgument
from services.cli.links.table import LinkLine
from services.connectors.http.listing import UnreadableRecord
from services.connectors.woocommerce.product import Product
from services.engine.outbox.upstream_errors import Rejected
from services.settings.catalogue import CatalogueSettings


@dataclass(frozen=True, slots=True)
class LinkVerdict:
    """`link` is the link to request; without it, `why` states the obstacle, or that it is `done` already."""

    line: LinkLine
    link: RequestedLink | None = None
    why: str = ""
    done: bool = False

    @property
    def refused(self) -> bool:
        """Whether the line cannot be linked."""
        return self.link is None and not self.done


@dataclass(slots=True)
class KnownLinks:
    """Items by uid, links by item and product id, and the `rules` that decide which items are sold."""

    items: Mapping[str, ItemChanged]
    links: Mapping[str, ProductLinked]
    meta_key: str
    rules: CatalogueSettings | None = None
    owners: dict[int, str] = field(init=False)

    def __post_init__(self) -> None:
        self.owners = {id_: link.item for link in self.links.values() for id_ in link.product_ids}

    def wanted(self, item: str, sku: str) -> MatchQuery:
        """The criteria that a product of the item must match."""
        return MatchQuery(item, sku, self.meta_key)


def judge_match(line: LinkLine, found: ProductMatch, known: KnownLinks) -> list[LinkVerdict]:
    """Judge the product of an item and its translations."""
    translations = [replace(line, sku=product.sku, further=True) for product in found.translations]
    return [
        judge_product(line, found.product, known),
        *(judge_product(each, product, known) for each, product in zip(translations, found.translations, strict=True)),
    ]


def judge_product(line: LinkLine, product: Product, known: KnownLinks) -> LinkVerdict:
    """Judge whether a line can link to this product."""
    link = known.links.get(line.item)
    if link is not None and product.id in link.product_ids:
        return LinkVerdict(line, why="already linked", done=True)
    if why := _in_the_way(line, product, known, link):
        return LinkVerdict(line, why=why)
    further = "add" if line.further else None
    asked = RequestedLink(
        item=line.item, product_id=product.id, parent_id=product.parent_id, sku=product.sku, further=further
    )
    return LinkVerdict(line, asked)


def _in_the_way(line: LinkLine, product: Product, known: KnownLinks, link: ProductLinked | None) -> str:
    owner, uid = known.owners.get(product.id), item_uid_in(product, known.meta_key)
    linked = link.product_id if link else 0
    fix = f"if #{product.id} is a translation of it: davtari links add {line.item} {product.id}"
    reasons = (
        (link is not None and not line.further, f"the item is already linked to product {linked}; {fix}"),
        (owner is not None, f"product {product.id} is already linked to item {owner}"),
        (bool(uid) and uid != line.item, f"product {product.id} has item {uid} in {known.meta_key}"),
        (same_sku(product.sku) != same_sku(line.sku), f"product {product.id} has SKU {product.sku}, not {line.sku}"),
        (product.status == "trash", f"product {product.id} is in the shop's trash"),
        (product.type in CONTAINER_TYPES, f"product {product.id} is {product.type}: use its variation"),
    )
    return next((why for applies, why in reasons if applies), "")


def refuse_duplicates(verdicts: Sequence[LinkVerdict]) -> list[LinkVerdict]:
    """Refuse all links that request the same product."""
    taken = Counter(one.link.product_id for one in verdicts if one.link)
    return [_once(one, one.link, taken) if one.link else one for one in verdicts]


def _once(verdict: LinkVerdict, link: RequestedLink, taken: Counter[int]) -> LinkVerdict:
    if taken[link.product_id] == 1:
        return verdict
    return LinkVerdict(verdict.line, why=f"several lines have product {link.product_id}; keep one of them")


class ProductReader(Protocol):
    """The part of a shop that is read."""

    async def product(self, product_id: int) -> Product | None: ...


async def build_line(item: str, product_id: int, known: KnownLinks, shop: ProductReader) -> LinkLine:
    """Build the line for one item and one product: a translation if the item is already linked.

    Raises `WrongUse` for an unknown item, and `UpstreamError`.
    """
    uid = find_item(item, known)
    link, product = known.links.get(uid), await shop.product(product_id)
    further = link is not None and product_id != link.product_id
    parent = product.parent_id if product else 0
    ids = (parent, product_id) if parent else (product_id, 0)
    return LinkLine(0, uid, product.sku if product else "", *ids, further=further)


def judge_removal(item: str, product_id: int, known: KnownLinks) -> LinkVerdict:
    """Judge the removal of a translation from an item's link. Raises `WrongUse`."""
    uid = find_item(item, known)
    link, where = known.links.get(uid), LinkLine(0, uid, known.items[uid].sku or "", product_id)
    if link is not None and product_id == link.product_id:
        why = f"product {product_id} is the item's main product; delete it in the shop to end the link"
        return LinkVerdict(where, why=why)
    held = next((one for one in link.further if one.product_id == product_id), None) if link else None
    if held is None:
        return LinkVerdict(where, why=f"product {product_id} is not a translation of item {uid}")
    asked = RequestedLink(item=uid, product_id=product_id, parent_id=held.parent_id, sku=held.sku, further="remove")
    return LinkVerdict(where, asked)


def find_item(text: str, known: KnownLinks) -> str:
    """Find the uid of an item by uid or SKU. Raises `WrongUse` when none or several have that SKU."""
    uid = text.strip().casefold()
    if uid in known.items:
        return uid
    found = [item.item for item in known.items.values() if item.sku and same_sku(item.sku) == same_sku(text)]
    if len(found) != 1:
        several = f"items {', '.join(found)} have SKU {text}" if found else f"no item has the uid or SKU {text}"
        raise InvalidArgument(f"{several}. Use the item's uid")
    return found[0]


class ShopProductLookup(Protocol):
    """The products of a shop by SKU and id."""

    async def products_by_sku(self, skus: Iterable[str]) -> Mapping[str, Sequence[Product | UnreadableRecord]]: ...

    async def product(self, product_id: int) -> Product | None: ...


async def judge_lines(lines: Sequence[LinkLine], known: KnownLinks, shop: ShopProductLookup) -> list[LinkVerdict]:
    """Judge lines in order. Raises `UpstreamError` if the shop does not answer."""
    by_sku = await shop.products_by_sku(line.sku for line in lines if not line.id)
    items = Counter(line.item for line in lines if not line.further)
    verdicts: list[LinkVerdict] = []
    for line in lines:
        if line.item not in known.items:
            verdicts.append(
                LinkVerdict(line, why=f"Balance's catalogue has no item {line.item} (davtari import items)")
            )
        elif items[line.item] > 1 and not line.further:
            verdicts.append(LinkVerdict(line, why=f"several lines have item {line.item}: {ITEM_TWICE}"))
        else:
            verdicts += await _by_id(line, known, shop) if line.id else _by_sku(line, by_sku.get(line.sku, ()), known)
    return refuse_duplicates(verdicts)


ITEM_TWICE = "keep one, and write 'translation' into the column how of the others"


async def _by_id(line: LinkLine, known: KnownLinks, shop: ShopProductLookup) -> list[LinkVerdict]:
    try:
        product = await shop.product(line.id)
    except Rejected as error:
        return [LinkVerdict(line, why=error.message)]
    if product is None:
        return [LinkVerdict(line, why=f"the shop has no product {line.id}")]
    return [judge_product(line, product, known)]


def _by_sku(line: LinkLine, found: Sequence[Product | UnreadableRecord], known: KnownLinks) -> list[LinkVerdict]:
    for one in found:
        if isinstance(one, UnreadableRecord):
            return [LinkVerdict(line, why=one.detail)]
    match match_product(known.wanted(line.item, line.sku), [one for one in found if isinstance(one, Product)]):
        case ProductMatch() as matched:
            return judge_match(line, matched, known)
        case Skip() as skip:
            return [LinkVerdict(line, why=skip.detail)]
        case _:
            return [LinkVerdict(line, why=f"the shop has no SKU {line.sku}")]
