"""A person's word about one product of one item."""

from __future__ import annotations

from typing import Protocol

from contracts.linking import RequestedLink
from services.catalog_importer.eligibility import same_sku
from services.cli.command import InvalidArgument
from services.cli.links.table import Line
from services.cli.links.verdict import Known, Verdict
from services.connectors.woocommerce.product import Product


class Shelf(Protocol):
    """The part of a shop that is read."""

    async def product(self, product_id: int) -> Product | None: ...


async def line(item: str, product_id: int, known: Known, shop: Shelf) -> Line:
    """The line of a link table that ties an item to a product: a further one where the item is linked already.

    Raises `WrongUse` for an item that nobody knows, and `UpstreamError`.
    """
    uid = item_meant(item, known)
    link, product = known.links.get(uid), await shop.product(product_id)
    further = link is not None and product_id != link.product_id
    parent = product.parent_id if product else 0
    ids = (parent, product_id) if parent else (product_id, 0)
    return Line(0, uid, product.sku if product else "", *ids, further=further)


def removal(item: str, product_id: int, known: Known) -> Verdict:
    """Taking a further product out of an item's link. Raises `WrongUse`."""
    uid = item_meant(item, known)
    link, where = known.links.get(uid), Line(0, uid, known.items[uid].sku or "", product_id)
    if link is not None and product_id == link.product_id:
        why = f"product {product_id} is the item's own product: the link ends when it is deleted in the shop for good"
        return Verdict(where, why=why)
    held = next((one for one in link.further if one.product_id == product_id), None) if link else None
    if held is None:
        return Verdict(where, why=f"product {product_id} is no further product of item {uid}")
    asked = RequestedLink(item=uid, product_id=product_id, parent_id=held.parent_id, sku=held.sku, further="remove")
    return Verdict(where, asked)


def item_meant(text: str, known: Known) -> str:
    """The uid of an item named by its uid or SKU. Raises `WrongUse` when none or several have that SKU."""
    uid = text.strip().casefold()
    if uid in known.items:
        return uid
    found = [item.item for item in known.items.values() if item.sku and same_sku(item.sku) == same_sku(text)]
    if len(found) != 1:
        several = f"items {', '.join(found)} have SKU {text}" if found else f"no item has the uid or SKU {text}"
        raise InvalidArgument(f"{several}: name the item's uid")
    return found[0]
