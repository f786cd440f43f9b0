"""What becomes of each line of a link table: a link, nothing, or why it cannot be one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from contracts.balance import ItemChanged
from contracts.catalog import ProductLinked
from contracts.linking import RequestedLink
from services.catalog_importer.eligibility import Skip, same_sku
from services.catalog_importer.product_match import (
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
    """`link` is what would be asked for; without it `why` says what is in the way, or that there is nothing to do."""

    line: LinkLine
    link: RequestedLink | None = None
    why: str = ""
    done: bool = False

    @property
    def refused(self) -> bool:
        """Whether a person must do something about it."""
        return self.link is None and not self.done


@dataclass(slots=True)
class KnownLinks:
    """What the topics know: items by uid, links by item and by product id. `rules` say which items may be products."""

    items: Mapping[str, ItemChanged]
    links: Mapping[str, ProductLinked]
    meta_key: str
    rules: CatalogueSettings | None = None
    owners: dict[int, str] = field(init=False)

    def __post_init__(self) -> None:
        self.owners = {id_: link.item for link in self.links.values() for id_ in link.product_ids}

    def wanted(self, item: str, sku: str) -> MatchQuery:
        """What a product must match to be the item's."""
        return MatchQuery(item, sku, self.meta_key)


def judge_match(line: LinkLine, found: ProductMatch, known: KnownLinks) -> list[LinkVerdict]:
    """The verdicts about the product of an item and about its translations."""
    translations = [replace(line, sku=product.sku, further=True) for product in found.translations]
    return [
        judge_product(line, found.product, known),
        *(judge_product(each, product, known) for each, product in zip(translations, found.translations, strict=True)),
    ]


def judge_product(line: LinkLine, product: Product, known: KnownLinks) -> LinkVerdict:
    """Whether a line may be a link to this product."""
    link = known.links.get(line.item)
    if link is not None and product.id in link.product_ids:
        return LinkVerdict(line, why="linked already", done=True)
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
        (link is not None and not line.further, f"the item is linked to product {linked} already; {fix}"),
        (owner is not None, f"product {product.id} is linked to item {owner} already"),
        (bool(uid) and uid != line.item, f"product {product.id} carries item {uid} in {known.meta_key}"),
        (same_sku(product.sku) != same_sku(line.sku), f"product {product.id} has SKU {product.sku}, not {line.sku}"),
        (product.status == "trash", f"product {product.id} is in the shop's trash"),
        (product.type in CONTAINER_TYPES, f"product {product.id} is {product.type}: name what is sold, its variation"),
    )
    return next((why for stands, why in reasons if stands), "")


def refuse_duplicates(verdicts: Sequence[LinkVerdict]) -> list[LinkVerdict]:
    """The same, without links that ask for one product twice: all of these are refused."""
    taken = Counter(one.link.product_id for one in verdicts if one.link)
    return [_once(one, one.link, taken) if one.link else one for one in verdicts]


def _once(verdict: LinkVerdict, link: RequestedLink, taken: Counter[int]) -> LinkVerdict:
    if taken[link.product_id] == 1:
        return verdict
    return LinkVerdict(verdict.line, why=f"several lines name product {link.product_id}: leave it to one item")


# A person's word about one product of one item.


class ProductReader(Protocol):
    """The part of a shop that is read."""

    async def product(self, product_id: int) -> Product | None: ...


async def build_line(item: str, product_id: int, known: KnownLinks, shop: ProductReader) -> LinkLine:
    """The line of a link table that ties an item to a product: a further one where the item is linked already.

    Raises `WrongUse` for an item that nobody knows, and `UpstreamError`.
    """
    uid = find_item(item, known)
    link, product = known.links.get(uid), await shop.product(product_id)
    further = link is not None and product_id != link.product_id
    parent = product.parent_id if product else 0
    ids = (parent, product_id) if parent else (product_id, 0)
    return LinkLine(0, uid, product.sku if product else "", *ids, further=further)


def judge_removal(item: str, product_id: int, known: KnownLinks) -> LinkVerdict:
    """Taking a further product out of an item's link. Raises `WrongUse`."""
    uid = find_item(item, known)
    link, where = known.links.get(uid), LinkLine(0, uid, known.items[uid].sku or "", product_id)
    if link is not None and product_id == link.product_id:
        why = f"product {product_id} is the item's own product: the link ends when it is deleted in the shop for good"
        return LinkVerdict(where, why=why)
    held = next((one for one in link.further if one.product_id == product_id), None) if link else None
    if held is None:
        return LinkVerdict(where, why=f"product {product_id} is no further product of item {uid}")
    asked = RequestedLink(item=uid, product_id=product_id, parent_id=held.parent_id, sku=held.sku, further="remove")
    return LinkVerdict(where, asked)


def find_item(text: str, known: KnownLinks) -> str:
    """The uid of an item named by its uid or SKU. Raises `WrongUse` when none or several have that SKU."""
    uid = text.strip().casefold()
    if uid in known.items:
        return uid
    found = [item.item for item in known.items.values() if item.sku and same_sku(item.sku) == same_sku(text)]
    if len(found) != 1:
        several = f"items {', '.join(found)} have SKU {text}" if found else f"no item has the uid or SKU {text}"
        raise InvalidArgument(f"{several}: name the item's uid")
    return found[0]


# The lines of a link table against the shop: each product is looked up before anything is asked for.


class ProductLookup(Protocol):
    """What is read of a shop."""

    async def products_by_sku(self, skus: Iterable[str]) -> Mapping[str, Sequence[Product | UnreadableRecord]]: ...

    async def product(self, product_id: int) -> Product | None: ...


async def judge_lines(lines: Sequence[LinkLine], known: KnownLinks, shop: ProductLookup) -> list[LinkVerdict]:
    """The verdicts about lines, in order. Reads the shop; raises `UpstreamError` when it does not answer."""
    by_sku = await shop.products_by_sku(line.sku for line in lines if not line.id)
    items = Counter(line.item for line in lines if not line.further)
    verdicts: list[LinkVerdict] = []
    for line in lines:
        if line.item not in known.items:
            verdicts.append(
                LinkVerdict(line, why=f"Balance's catalogue has no item {line.item} (davtari import items)")
            )
        elif items[line.item] > 1 and not line.further:
            verdicts.append(LinkVerdict(line, why=f"several lines name item {line.item}: {ITEM_TWICE}"))
        else:
            verdicts += await _by_id(line, known, shop) if line.id else _by_sku(line, by_sku.get(line.sku, ()), known)
    return refuse_duplicates(verdicts)


ITEM_TWICE = "leave one, and mark those of its translations in the column how with the word translation"


async def _by_id(line: LinkLine, known: KnownLinks, shop: ProductLookup) -> list[LinkVerdict]:
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
