"""An unlinked line counts as the one item whose linked product has its SKU."""

from __future__ import annotations

import pytest

from contracts.catalog import FurtherProduct, ProductUnlinked
from services.accounting.documents.lines import items_by_sku, remove_skus, store_skus
from tests.support.exporting import PAID, SHOP, item_of, link
from tests.support.memory_state import MemoryState


@pytest.mark.parametrize(
    ("links", "sku", "items"),
    [
        ([(311, "CUP")], "CUP", [311]),
        ([(311, "CUP")], " cup ", [311]),
        ([(311, "CUP")], "CUP-2", []),
        ([(311, "CUP")], "", []),
        ([(311, "")], "", []),
        ([(311, "CUP"), (312, "CUP")], "CUP", [311, 312]),
        ([(311, "CUP"), (311, "MUG")], "CUP", []),
        ([(311, "CUP"), (311, "MUG")], "MUG", [311]),
    ],
)
def test_a_sku_identifies_the_items_of_linked_products(
    links: list[tuple[int, str]], sku: str, items: list[int]
) -> None:
    state = MemoryState()
    for product, written in links:
        store_skus(link(product, sku=written), state)
    assert items_by_sku(SHOP, [sku], state).get(sku, ()) == tuple(map(item_of, items))
    assert not any(items_by_sku("other", [sku], state).values())


def test_an_unlinked_item_is_identified_by_no_sku() -> None:
    state = MemoryState()
    store_skus(link(311, sku="CUP"), state)
    remove_skus(ProductUnlinked(shop=SHOP, item=item_of(311), product_id=311, reason="x", unlinked_at=PAID), state)
    assert items_by_sku(SHOP, ["CUP"], state) == {"CUP": ()}


def test_every_product_of_a_link_adds_its_sku_until_it_is_unlinked() -> None:
    state = MemoryState()
    further = (FurtherProduct(product_id=612, sku="CUP-EN"),)
    assert store_skus(link(311, sku="CUP", further=further), state) == (f"{SHOP}|cup", f"{SHOP}|cup-en")
    assert items_by_sku(SHOP, ["CUP-EN"], state) == {"CUP-EN": (item_of(311),)}
    assert store_skus(link(311, sku="CUP"), state) == (f"{SHOP}|cup-en",)
    assert items_by_sku(SHOP, ["CUP-EN"], state) == {"CUP-EN": ()}


def test_a_product_taken_over_by_another_item_stays_linked_to_it() -> None:
    state = MemoryState()
    store_skus(link(311, sku="CUP"), state)
    store_skus(link(311, sku="CUP", item=item_of(312)), state)
    gone = ProductUnlinked(shop=SHOP, item=item_of(311), product_id=311, reason="x", unlinked_at=PAID)
    assert remove_skus(gone, state) == ()
    assert items_by_sku(SHOP, ["CUP"], state) == {"CUP": (item_of(312),)}
