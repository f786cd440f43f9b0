"""What becomes of each line of a link table: a link, nothing, or why it cannot be one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from contracts.balance import ItemChanged
from contracts.catalog import ProductLinked
from contracts.linking import RequestedLink
from services.commands.links.table import Line
from services.shared.woocommerce.product import Product

NOT_SOLD = frozenset({"variable", "grouped"})


class Catalogue(Protocol):
    """What is read of a shop."""

    async def products_by_sku(self, skus: Iterable[str]) -> Mapping[str, Sequence[Product]]: ...

    async def product(self, product_id: int) -> Product | None: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """`link` is what would be asked for; without it `why` says what is in the way, or that there is nothing to do."""

    line: Line
    link: RequestedLink | None = None
    why: str = ""
    done: bool = False


@dataclass(slots=True)
class Known:
    """What the topics know: items by uid, links by item and by product id."""

    items: Mapping[str, ItemChanged]
    links: Mapping[str, ProductLinked]
    meta_key: str
    owners: dict[int, str] = field(init=False)

    def __post_init__(self) -> None:
        self.owners = {link.product_id: link.item for link in self.links.values()}


async def judged(lines: Sequence[Line], known: Known, shop: Catalogue) -> list[Verdict]:
    """One verdict for each line, in order. Reads the shop; raises `UpstreamError`."""
    by_sku = await shop.products_by_sku(line.sku for line in lines if not line.id)
    items, products = Counter(line.item for line in lines), Counter(line.id for line in lines if line.id)
    verdicts = []
    for line in lines:
        if items[line.item] > 1 or products[line.id] > 1:
            verdicts.append(Verdict(line, why="the item or the product stands in the file twice"))
            continue
        named = [await shop.product(line.id)] if line.id else by_sku.get(line.sku, ())
        verdicts.append(_verdict(line, [one for one in named if one], known))
    return verdicts


def _verdict(line: Line, found: Sequence[Product], known: Known) -> Verdict:
    what = f"product {line.id}" if line.id else f"SKU {line.sku}"
    if line.item not in known.items:
        return Verdict(line, why=f"Balance's catalogue has no item {line.item} (davtari import items)")
    match found:
        case []:
            return Verdict(line, why=f"the shop has no {what}")
        case [product]:
            return _of_product(line, product, known)
        case several:
            ids = ", ".join(f"#{product.id}" for product in several)
            return Verdict(line, why=f"{what} is shared by {ids}: name the product's id")


def _of_product(line: Line, product: Product, known: Known) -> Verdict:
    link = known.links.get(line.item)
    if link is not None and link.product_id == product.id:
        return Verdict(line, why="linked already", done=True)
    if why := _in_the_way(line, product, known, link):
        return Verdict(line, why=why)
    asked = RequestedLink(item=line.item, product_id=product.id, parent_id=product.parent_id, sku=product.sku)
    return Verdict(line, asked)


def _in_the_way(line: Line, product: Product, known: Known, link: ProductLinked | None) -> str:
    owner, uid = known.owners.get(product.id), str(product.meta.get(known.meta_key) or "").strip().casefold()
    reasons = (
        (link is not None, f"the item is linked to product {link.product_id if link else 0} already"),
        (owner is not None, f"product {product.id} is linked to item {owner} already"),
        (bool(uid) and uid != line.item, f"product {product.id} carries item {uid} in {known.meta_key}"),
        (product.sku.casefold() != line.sku.casefold(), f"product {product.id} has SKU {product.sku}, not {line.sku}"),
        (product.status == "trash", f"product {product.id} lies in the trash"),
        (product.type in NOT_SOLD, f"product {product.id} is {product.type}: name what is sold, its variation"),
    )
    return next((why for stands, why in reasons if stands), "")
