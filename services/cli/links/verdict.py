"""What becomes of each line of a link table: a link, nothing, or why it cannot be one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from contracts.balance import ItemChanged
from contracts.catalog import ProductLinked
from contracts.linking import RequestedLink
from services.catalog_importer.eligibility import same_sku
from services.catalog_importer.product_match import NOT_SOLD, Match, Wanted, carried_uid
from services.cli.links.table import Line
from services.connectors.woocommerce.product import Product
from services.settings.catalogue import CatalogueSettings


@dataclass(frozen=True, slots=True)
class Verdict:
    """`link` is what would be asked for; without it `why` says what is in the way, or that there is nothing to do."""

    line: Line
    link: RequestedLink | None = None
    why: str = ""
    done: bool = False

    @property
    def refused(self) -> bool:
        """Whether a person must do something about it."""
        return self.link is None and not self.done


@dataclass(slots=True)
class Known:
    """What the topics know: items by uid, links by item and by product id. `rules` say which items may be products."""

    items: Mapping[str, ItemChanged]
    links: Mapping[str, ProductLinked]
    meta_key: str
    rules: CatalogueSettings | None = None
    owners: dict[int, str] = field(init=False)

    def __post_init__(self) -> None:
        self.owners = {id_: link.item for link in self.links.values() for id_ in link.product_ids}

    def wanted(self, item: str, sku: str) -> Wanted:
        """What a product must match to be the item's."""
        return Wanted(item, sku, self.meta_key)


def of_match(line: Line, found: Match, known: Known) -> list[Verdict]:
    """The verdicts about the product of an item and about its translations."""
    translations = [replace(line, sku=product.sku, further=True) for product in found.translations]
    return [
        of_product(line, found.product, known),
        *(of_product(each, product, known) for each, product in zip(translations, found.translations, strict=True)),
    ]


def of_product(line: Line, product: Product, known: Known) -> Verdict:
    """Whether a line may be a link to this product."""
    link = known.links.get(line.item)
    if link is not None and product.id in link.product_ids:
        return Verdict(line, why="linked already", done=True)
    if why := _in_the_way(line, product, known, link):
        return Verdict(line, why=why)
    further = "add" if line.further else None
    asked = RequestedLink(
        item=line.item, product_id=product.id, parent_id=product.parent_id, sku=product.sku, further=further
    )
    return Verdict(line, asked)


def _in_the_way(line: Line, product: Product, known: Known, link: ProductLinked | None) -> str:
    owner, uid = known.owners.get(product.id), carried_uid(product, known.meta_key)
    linked = link.product_id if link else 0
    fix = f"if #{product.id} is a translation of it: davtari links add {line.item} {product.id}"
    reasons = (
        (link is not None and not line.further, f"the item is linked to product {linked} already; {fix}"),
        (owner is not None, f"product {product.id} is linked to item {owner} already"),
        (bool(uid) and uid != line.item, f"product {product.id} carries item {uid} in {known.meta_key}"),
        (same_sku(product.sku) != same_sku(line.sku), f"product {product.id} has SKU {product.sku}, not {line.sku}"),
        (product.status == "trash", f"product {product.id} is in the shop's trash"),
        (product.type in NOT_SOLD, f"product {product.id} is {product.type}: name what is sold, its variation"),
    )
    return next((why for stands, why in reasons if stands), "")


def each_once(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The same, without links that ask for one product twice: all of these are refused."""
    taken = Counter(one.link.product_id for one in verdicts if one.link)
    return [_once(one, one.link, taken) if one.link else one for one in verdicts]


def _once(verdict: Verdict, link: RequestedLink, taken: Counter[int]) -> Verdict:
    if taken[link.product_id] == 1:
        return verdict
    return Verdict(verdict.line, why=f"several lines name product {link.product_id}: leave it to one item")
