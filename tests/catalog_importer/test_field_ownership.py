"""Who may write which field of a product that is already there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import WrittenProduct
from services.accounting.catalogue.price import NO_SALE, SalePrice
from services.catalog_importer.ownership import may_write, merge_categories, select_writable
from services.catalog_importer.product import DesiredProduct, record_written
from services.settings.catalogue import FieldOwnership
from tests.catalog_importer.catalogue_bench import COFFEE_CATEGORY, TEA_CATEGORY
from tests.catalog_importer.shop_products import LISTED_TEA
from tests.support.memory_state import NOON

NEVER_WRITTEN = WrittenProduct(digest="")


@pytest.mark.claim("S0.16")
@pytest.mark.parametrize(
    ("owner", "meant", "held", "base", "may"),
    [
        ("always", "ours", "by hand", "old", True),
        ("always", "ours", None, None, True),
        ("if-empty", "ours", None, "old", True),
        ("if-empty", "ours", "by hand", None, False),
        ("if-empty", "ours", "ours", None, True),
        ("if-unchanged", "ours", "old", "old", True),
        ("if-unchanged", "ours", "by hand", "old", False),
        ("if-unchanged", "ours", None, "old", False),
        ("if-unchanged", "ours", "there before us", None, False),
        ("if-unchanged", "ours", None, None, True),
        ("if-unchanged", "ours", "ours", "old", True),
        ("never", "ours", None, None, False),
        ("never", "ours", "old", "old", False),
    ],
)
def test_the_four_owners(owner: Any, meant: str, held: str | None, base: str | None, may: bool) -> None:
    assert may_write(owner, meant, held, base) is may


@pytest.mark.claim("S0.16", "K21")
@given(meant=st.integers(0, 3), held=st.integers(0, 3), base=st.integers(0, 3))
def test_an_edit_by_hand_survives_unless_balance_owns_the_field(meant: int, held: int, base: int) -> None:
    edited = held not in (base, meant)
    assert may_write("if-unchanged", meant, held, base) is not edited
    assert not may_write("never", meant, held, base)
    assert may_write("always", meant, held, base)


@pytest.mark.claim("S0.16", "K21")
def test_a_price_edited_in_the_shop_stays_when_the_storefront_owns_edits() -> None:
    owners = FieldOwnership(regular_price="if-unchanged", sale_price="if-unchanged")
    base = WrittenProduct(regular_price=Decimal("14.75"), digest="")
    desired = DesiredProduct(regular_price=Decimal("16.00"), sale=SalePrice(price=Decimal(12)))
    by_hand = replace(LISTED_TEA, regular_price=Decimal("15.50"))
    untouched = replace(LISTED_TEA, regular_price=Decimal("14.7500"))
    assert select_writable(desired, owners, by_hand, base) == DesiredProduct(sale=SalePrice(price=Decimal(12)))
    assert select_writable(desired, owners, untouched, base) == desired


def test_a_sale_made_by_hand_is_not_cleared() -> None:
    owners = FieldOwnership(sale_price="if-unchanged")
    by_hand = replace(LISTED_TEA, sale_price=Decimal(9), sale_to=NOON)
    assert select_writable(DesiredProduct(sale=NO_SALE), owners, by_hand, NEVER_WRITTEN).sale is None
    assert select_writable(DesiredProduct(sale=NO_SALE), FieldOwnership(), by_hand, NEVER_WRITTEN).sale == NO_SALE


def test_a_sale_that_the_shop_ended_by_itself_is_no_edit() -> None:
    ended = WrittenProduct(sale_price=Decimal(9), sale_to=NOON - timedelta(days=1), digest="")
    owners = FieldOwnership(sale_price="if-unchanged")
    assert select_writable(DesiredProduct(sale=NO_SALE), owners, LISTED_TEA, ended).sale == NO_SALE


def test_a_name_is_the_same_with_and_without_html() -> None:
    base = WrittenProduct(name="Tea &amp; more", digest="")
    owners = FieldOwnership(name="if-unchanged")
    assert select_writable(DesiredProduct(name="Tea and more"), owners, LISTED_TEA, base).name == "Tea and more"


@pytest.mark.claim("K11")
def test_a_variation_keeps_its_parents_name_and_categories() -> None:
    owners = FieldOwnership(name="always", category="always")
    variation = replace(LISTED_TEA, type="variation", parent_id=300, category_ids=())
    desired = DesiredProduct(name="Other", category_ids=(COFFEE_CATEGORY,), regular_price=Decimal(16))
    assert select_writable(desired, owners, variation, NEVER_WRITTEN) == DesiredProduct(regular_price=Decimal(16))


@pytest.mark.claim("S4.17")
@pytest.mark.parametrize(
    ("owner", "held", "last", "after"),
    [
        ("always", (TEA_CATEGORY, 90), (TEA_CATEGORY,), (90, COFFEE_CATEGORY)),
        ("always", (90,), None, (90, COFFEE_CATEGORY)),
        ("if-unchanged", (TEA_CATEGORY, 90), (TEA_CATEGORY,), (90, COFFEE_CATEGORY)),
        ("if-unchanged", (90,), (TEA_CATEGORY,), None),
        ("if-unchanged", (90,), None, None),
        ("if-empty", (), None, (COFFEE_CATEGORY,)),
        ("if-empty", (90,), None, None),
        ("never", (), None, None),
        ("always", (COFFEE_CATEGORY, 90), (TEA_CATEGORY,), None),
    ],
)
def test_categories_of_others_stay(
    owner: Any, held: tuple[int, ...], last: tuple[int, ...] | None, after: tuple[int, ...] | None
) -> None:
    product, base = replace(LISTED_TEA, category_ids=held), WrittenProduct(category_ids=last, digest="")
    found = select_writable(
        DesiredProduct(category_ids=(COFFEE_CATEGORY,)), FieldOwnership(category=owner), product, base
    )
    assert (merge_categories(found.category_ids, product, base) if found.category_ids else None) == after


@pytest.mark.claim("S3.5")
@pytest.mark.parametrize(
    ("held", "last", "sku"),
    [
        ("TEA-100", "TEA-100", "TEA-200"),
        ("BY-HAND", "TEA-100", None),
        ("TEA-100", None, None),
        ("tea-200", "TEA-100", "tea-200"),
    ],
)
def test_a_changed_sku_follows_only_where_the_shop_holds_ours(held: str, last: str | None, sku: str | None) -> None:
    base = WrittenProduct(sku=last, digest="")
    assert (
        select_writable(DesiredProduct(sku="TEA-200"), FieldOwnership(), replace(LISTED_TEA, sku=held), base).sku == sku
    )


def test_what_was_not_written_keeps_its_last_value() -> None:
    before = WrittenProduct(name="Tea", regular_price=Decimal(14), sale_price=Decimal(9), digest="old")
    after = record_written(DesiredProduct(regular_price=Decimal(16), sale=NO_SALE), before, "new")
    assert after == WrittenProduct(name="Tea", regular_price=Decimal(16), digest="new")
