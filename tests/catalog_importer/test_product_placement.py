"""Which of the shop's products an item is, if any."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import ProductLinked
from contracts.reasons import Reason
from services.accounting.catalogue.eligibility import Skip, item_traits
from services.catalog_importer.placement import ProductChange, ProductGone, place_item
from services.catalog_importer.product import DesiredProduct, ProductPayload
from services.connectors.woocommerce.product import Product
from tests.catalog_importer.catalogue_bench import TEA_CATEGORY, item, settings
from tests.catalog_importer.shop_products import LISTED_TEA
from tests.support.memory_state import NOON

SHOP = settings().shops["main"]
DESIRED = DesiredProduct(sku="TEA-100", name="Tea", category_ids=(TEA_CATEGORY,))
LINK = ProductLinked(shop="main", item="tea-100", product_id=311, sku="TEA-100", how="adopted", linked_at=NOON)
OURS, OTHERS = {"_balance_uid": "tea-100"}, {"_balance_uid": "green-tea"}


def payload(link: ProductLinked | None = None) -> ProductPayload:
    return ProductPayload(shop="main", nature=item_traits(item()), desired=DESIRED, digest="d", link=link)


def held(product_id: int, status: str = "publish", **more: Any) -> Product:
    return replace(LISTED_TEA, id=product_id, status=status, **more)


@pytest.mark.claim("S0.31", "K22")
@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((), "create"),
        ((held(1),), 1),
        ((held(1, "draft"),), 1),
        ((held(1, type="variation", parent_id=9),), 1),
        ((held(1), held(2, meta=OURS)), 2),
        ((held(1, meta=OTHERS), held(2, meta=OURS)), 2),
        ((held(1), held(2, "trash")), 1),
        ((held(1), held(2)), Reason.PRODUCT_SKU_AMBIGUOUS),
        ((held(1, meta=OURS), held(2, meta=OURS)), Reason.PRODUCT_SKU_AMBIGUOUS),
        ((held(1, meta=OTHERS),), Reason.PRODUCT_OF_OTHER_ITEM),
        ((held(1, "trash"),), Reason.PRODUCT_IN_TRASH),
        ((held(1, "trash", meta=OURS), held(2)), Reason.PRODUCT_IN_TRASH),
        ((held(1, "trash"), held(2, "trash")), Reason.PRODUCT_SKU_AMBIGUOUS),
        ((held(1, type="grouped"),), Reason.PRODUCT_SKU_AMBIGUOUS),
        ((held(1, meta={"_balance_uid": ""}),), 1),
        ((held(1, meta={"_balance_uid": ["odd"]}),), Reason.PRODUCT_OF_OTHER_ITEM),
    ],
)
def test_the_product_of_an_item(found: tuple[Product, ...], expected: int | str | Reason) -> None:
    placed = place_item(payload(), found, None, SHOP)
    match placed:
        case Skip(reason):
            assert reason == expected
        case ProductChange(action, product):
            assert (product.id if product else action) == expected
        case ProductGone():
            pytest.fail("an item without a link has no product that could be gone")


@pytest.mark.claim("S2.5")
def test_two_products_of_one_sku_are_both_named() -> None:
    placed = place_item(payload(), (held(311), held(874)), None, SHOP)
    assert isinstance(placed, Skip)
    assert "products #311, #874 share SKU TEA-100" in placed.detail


def test_a_link_holds_whatever_else_has_the_sku() -> None:
    placed = place_item(payload(LINK), (held(5), held(6)), held(311, sku="BY-HAND"), SHOP)
    assert isinstance(placed, ProductChange)
    assert (placed.action, placed.write.id) == ("update", 311)


def test_a_linked_product_may_be_gone_or_in_the_trash() -> None:
    assert place_item(payload(LINK), (), None, SHOP) == ProductGone(311)
    trashed = place_item(payload(LINK), (), held(311, "trash"), SHOP)
    assert isinstance(trashed, Skip)
    assert trashed.reason == Reason.PRODUCT_IN_TRASH


STATUSES = st.sampled_from(["publish", "draft", "private", "trash"])
PRODUCTS = st.lists(
    st.builds(
        held,
        st.integers(1, 9),
        STATUSES,
        meta=st.sampled_from([{}, OURS, OTHERS]),
        type=st.sampled_from(["simple", "variation", "variable"]),
    ),
    max_size=4,
    unique_by=lambda product: product.id,
)


@pytest.mark.claim("S1.13", "K12", "K22", "S3.58")
@given(found=PRODUCTS)
def test_no_write_ever_changes_a_status_sends_an_image_or_doubles_a_sku(found: list[Product]) -> None:
    placed = place_item(payload(), found, None, SHOP)
    if not isinstance(placed, ProductChange):
        return
    body = placed.write.to_json()
    assert "images" not in body
    assert body.get("status") == ("draft" if not found else None)
    assert (placed.action == "create") is (not found)
    assert placed.product is None or placed.product.status != "trash"
