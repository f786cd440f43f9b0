"""Which items may become products."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.balance import ItemChanged
from contracts.reasons import Reason
from services.accounting.catalogue.eligibility import Eligible, Skip, check_eligibility, find_sku_conflict, item_traits
from services.settings.catalogue import CatalogueSettings
from tests.catalog_importer.catalogue_bench import COFFEE, COFFEE_CATEGORY, ROOT, TEA, TEA_CATEGORY, TOYS, item


def rules(**more: Any) -> CatalogueSettings:
    return CatalogueSettings.model_validate({"groups": {TEA: TEA_CATEGORY, COFFEE: COFFEE_CATEGORY}} | more)


@pytest.mark.claim("S0.3", "S0.4", "S0.5")
@pytest.mark.parametrize(
    ("about", "item_", "more", "expected"),
    [
        ("its group is mapped", item(), {}, TEA_CATEGORY),
        ("a group above is mapped", item(group="green", path=(ROOT, TEA, "green")), {}, TEA_CATEGORY),
        (
            "the nearest mapped group decides",
            item(group=COFFEE, path=(ROOT, TEA, COFFEE)),
            {},
            COFFEE_CATEGORY,
        ),
        ("no group of it is mapped", item(group=TOYS), {}, Reason.PRODUCT_GROUP_NOT_MAPPED),
        ("nothing is mapped at all", item(), {"groups": {}}, Reason.PRODUCT_GROUP_NOT_MAPPED),
        ("it is in no group", item(group=None, path=()), {}, Reason.PRODUCT_GROUP_NOT_MAPPED),
        ("its group is excluded", item(), {"excluded_groups": (TEA,)}, Reason.PRODUCT_GROUP_EXCLUDED),
        ("a group above is excluded", item(), {"excluded_groups": (ROOT,)}, Reason.PRODUCT_GROUP_EXCLUDED),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_group_is_invisible_until_it_is_mapped(
    about: str, item_: ItemChanged, more: dict[str, Any], expected: int | Reason
) -> None:
    verdict = check_eligibility(item_traits(item_), rules(**more))
    assert (verdict.category_ids if isinstance(verdict, Eligible) else verdict.reason) == (
        (expected,) if isinstance(expected, int) else expected
    ), about


@pytest.mark.claim("S0.42", "S1.14")
@pytest.mark.parametrize(
    ("kind", "allow_services", "let_in"),
    [
        ("goods", False, True),
        ("service", False, False),
        ("service", True, True),
        ("unknown", False, False),
        ("unknown", True, False),
        ("folder", True, False),
    ],
)
def test_goods_are_let_in_and_services_only_where_the_shop_sells_them(
    kind: str, allow_services: bool, let_in: bool
) -> None:
    verdict = check_eligibility(item_traits(item(kind=kind)), rules(allow_services=allow_services))
    assert isinstance(verdict, Eligible) is let_in
    if isinstance(verdict, Skip):
        assert verdict.reason == Reason.PRODUCT_NOT_GOODS


@pytest.mark.claim("S0.40")
@pytest.mark.parametrize(
    ("sku", "allow", "deny", "reason"),
    [
        ("TEA-1", (), (), None),
        ("TEA-1", ("TEA-*",), (), None),
        ("tea-1", ("TEA-*",), (), None),
        (" TEA-1 ", ("TEA-?",), (), None),
        ("ჩაი-1", ("ჩაი-*",), (), None),
        ("COF-1", ("TEA-*",), (), Reason.PRODUCT_SKU_NOT_ALLOWED),
        ("TEA-1", (), ("*-1",), Reason.PRODUCT_SKU_NOT_ALLOWED),
        ("TEA-1", ("TEA-*",), ("TEA-1",), Reason.PRODUCT_SKU_NOT_ALLOWED),
        ("TEA.1", (), ("TEA?1",), Reason.PRODUCT_SKU_NOT_ALLOWED),
        ("TEA1", (), ("TEA.1",), None),
        (None, (), (), Reason.PRODUCT_NO_SKU),
        ("", (), (), Reason.PRODUCT_NO_SKU),
        ("   ", ("*",), (), Reason.PRODUCT_NO_SKU),
    ],
)
def test_sku_patterns(sku: str | None, allow: tuple[str, ...], deny: tuple[str, ...], reason: Reason | None) -> None:
    verdict = check_eligibility(item_traits(item(sku=sku)), rules(sku_allow=allow, sku_deny=deny))
    assert (verdict.reason if isinstance(verdict, Skip) else None) == reason


def test_two_items_of_one_sku_name_each_other() -> None:
    first, second = item("a", sku="TEA-1"), item("b", sku=" tea-1 ", name="Green tea")
    skip = find_sku_conflict(item_traits(first), [first, second], rules())
    assert skip is not None
    assert skip.reason == Reason.PRODUCT_SKU_USED_TWICE
    assert "item b (Green tea)" in skip.detail


@pytest.mark.claim("S0.5")
def test_an_excluded_item_with_the_same_sku_blocks_no_other() -> None:
    first, hidden = item("a", sku="TEA-1"), item("b", sku="TEA-1", group=TOYS)
    assert find_sku_conflict(item_traits(first), [first, hidden], rules()) is None


GROUPS = st.sampled_from([TEA, COFFEE, TOYS, ROOT, "other"])


@pytest.mark.claim("S0.5")
@given(
    path=st.lists(GROUPS, max_size=4, unique=True),
    mapped=st.sets(GROUPS),
    excluded=st.sets(GROUPS),
    kind=st.sampled_from(["goods", "service", "folder", "unknown"]),
)
def test_nothing_outside_the_allowed_groups_is_ever_let_in(
    path: list[str], mapped: set[str], excluded: set[str], kind: str
) -> None:
    given_ = rules(groups=dict.fromkeys(mapped, 7), excluded_groups=tuple(excluded))
    verdict = check_eligibility(
        item_traits(item(kind=kind, group=path[-1] if path else None, path=tuple(path))), given_
    )
    allowed = kind == "goods" and bool(mapped & set(path)) and not excluded & set(path)
    assert isinstance(verdict, Eligible) is allowed
