"""Which item an order line means: the linked product, or the one item whose linked product has its SKU.

A shop may hold one article as several products: translations, for one, share the SKU of the original. An unlinked line
whose SKU belongs to exactly one linked item counts as that item, in documents and in stock. Of two items with one SKU
neither is meant. SKUs are compared as the catalogue compares them: letter case and outer blanks do not count.
"""

from __future__ import annotations

from contracts.catalog import ProductLinked, ProductUnlinked
from contracts.model import Part, Uid
from services.shared.state.records import Kind, State


class SkuLink(Part):
    """A linked product of the shop, its SKU there, and the item that it stands for."""

    item: Uid
    product_id: int
    sku: str


SKU_LINK = Kind("sku-link", SkuLink)
"""By `shop:item`; the reference is the SKU of the linked product (`sku_ref`)."""


def same_sku(sku: str) -> str:
    """The spelling in which SKUs are compared; empty for none."""
    return sku.strip().casefold()


def sku_ref(shop: str, sku: str) -> str:
    """How a SKU of a shop is referred to."""
    return f"{shop}|{same_sku(sku)}"


def remember_sku(link: ProductLinked, state: State) -> tuple[str, ...]:
    """Keep which item a linked product's SKU belongs to. Returns the `sku_ref`s that may mean other items now."""
    before = _ref_of(link.shop, state.get(SKU_LINK, link.key))
    if same_sku(link.sku):
        known = SkuLink(item=link.item, product_id=link.product_id, sku=link.sku)
        state.put(SKU_LINK, link.key, known, ref=sku_ref(link.shop, link.sku))
    else:
        state.drop(SKU_LINK, link.key)
    after = _ref_of(link.shop, state.get(SKU_LINK, link.key))
    return () if before == after else tuple(ref for ref in (before, after) if ref)


def forget_sku(link: ProductUnlinked, state: State) -> tuple[str, ...]:
    """An item that is linked no more is meant by no SKU. Returns the `sku_ref`s that may mean other items now."""
    before = _ref_of(link.shop, state.get(SKU_LINK, link.key))
    state.drop(SKU_LINK, link.key)
    return (before,) if before else ()


def _ref_of(shop: str, link: SkuLink | None) -> str:
    return sku_ref(shop, link.sku) if link else ""


def items_by_sku(shop: str, sku: str, state: State) -> tuple[str, ...]:
    """The items whose linked products have this SKU: one is meant by a line with it, several are ambiguous."""
    if not same_sku(sku):
        return ()
    return tuple(sorted({link.item for link in state.find(SKU_LINK, sku_ref(shop, sku)).values()}))
