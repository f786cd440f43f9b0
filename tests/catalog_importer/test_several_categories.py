"""A group, or an additional requisite, may be mapped to several categories; what people add in the shop stays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.catalog import GroupRule, WrittenProduct
from services.accounting.catalogue.eligibility import Eligible, check_eligibility, item_traits
from services.accounting.mapping import build_rule, find_rule
from services.catalog_importer.ownership import find_kept_edits, merge_categories, select_writable
from services.catalog_importer.product import DesiredProduct, digest_product
from services.cli.mapping_change import MappingEffect, compute_effect, describe_rule
from services.sandbox.woocommerce.products import Products
from services.settings.catalogue import CatalogueSettings, FieldOwnership
from tests.catalog_importer.catalogue_bench import (
    COFFEE_CATEGORY,
    TEA,
    TEA_CATEGORY,
    item,
    links,
    mapping_request,
    settings,
    world,
)
from tests.catalog_importer.shop_products import LISTED_TEA
from tests.cli.sample_catalogue import known

GIFTS, BOTH = 90, (TEA_CATEGORY, COFFEE_CATEGORY)


@pytest.mark.parametrize(("given", "ids"), [(17, (17,)), ([17], (17,)), ([17, 21, 17], (17, 21))])
def test_the_settings_take_one_id_or_a_list(given: Any, ids: tuple[int, ...]) -> None:
    rules = CatalogueSettings.model_validate({"groups": {TEA: given}, "categories": {"green": given}})
    assert (rules.groups[TEA], rules.categories["green"]) == (ids, ids)


@pytest.mark.parametrize("given", [[], 0, [17, -1], True, "17a"])
def test_what_is_no_category_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError):
        CatalogueSettings.model_validate({"groups": {TEA: given}})


@pytest.mark.claim("S4.25")
def test_a_requisite_may_exist_for_several() -> None:
    rules = CatalogueSettings(groups={TEA: (1,)}, category_requisite="1", categories={"green": (17, 21)})
    verdict = check_eligibility(item_traits(item(requisites=("green", None, None))), rules)
    assert isinstance(verdict, Eligible)
    assert verdict.category_ids == (17, 21)


@pytest.mark.claim("S4.17")
@pytest.mark.parametrize(
    ("meant", "held", "last", "after"),
    [
        (BOTH, (TEA_CATEGORY, GIFTS), (TEA_CATEGORY,), (GIFTS, *BOTH)),
        (BOTH, (*BOTH, GIFTS), BOTH, None),
        ((TEA_CATEGORY,), (GIFTS, *BOTH), BOTH, (GIFTS, TEA_CATEGORY)),
        ((TEA_CATEGORY,), (*BOTH, GIFTS), (TEA_CATEGORY,), None),
        (BOTH, (GIFTS,), None, (GIFTS, *BOTH)),
        (BOTH, (COFFEE_CATEGORY, GIFTS), None, (GIFTS, *BOTH)),
    ],
)
def test_ours_move_and_those_of_others_stay(
    meant: tuple[int, ...], held: tuple[int, ...], last: tuple[int, ...] | None, after: tuple[int, ...] | None
) -> None:
    product, base = replace(LISTED_TEA, category_ids=held), WrittenProduct(category_ids=last, digest="")
    found = select_writable(DesiredProduct(category_ids=meant), FieldOwnership(category="always"), product, base)
    assert (merge_categories(found.category_ids, product, base) if found.category_ids else None) == after


def test_one_of_ours_taken_out_by_hand_is_a_kept_edit() -> None:
    product = replace(LISTED_TEA, category_ids=(TEA_CATEGORY, GIFTS))
    base, desired = WrittenProduct(category_ids=BOTH, digest=""), DesiredProduct(category_ids=(COFFEE_CATEGORY,))
    ours = select_writable(desired, FieldOwnership(category="if-unchanged"), product, base)
    [kept] = find_kept_edits(desired, ours, product, base)
    assert (ours.category_ids, kept.field, kept.in_shop) == (None, "category", str(TEA_CATEGORY))


@pytest.mark.claim("S4.17", "S0.4")
async def test_a_command_puts_a_group_into_several_and_a_category_added_in_the_shop_survives_each_move() -> None:
    async with world(settings(fields={"category": "always"})) as shop:
        shop.category(GIFTS, "Gifts")
        [link] = links(await shop.take(item()))

        def held() -> set[int]:
            return {one["id"] for one in shop.held(link.product_id)["categories"]}

        await shop.take(mapping_request(TEA, build_rule(BOTH)))
        assert held() == {*BOTH}
        by_hand = {"categories": [{"id": id_} for id_ in (*BOTH, GIFTS)]}
        Products(shop.shop).update(link.product_id, by_hand, strict=False)
        await shop.take(mapping_request(TEA, build_rule([COFFEE_CATEGORY]), "c2"))
        assert held() == {COFFEE_CATEGORY, GIFTS}
        await shop.take(mapping_request(TEA, build_rule(BOTH), "c3"))
        assert held() == {*BOTH, GIFTS}


def test_the_effect_of_one_more_category_is_counted_before_it_is_saved() -> None:
    rule = build_rule(BOTH)
    assert compute_effect(known(), {TEA: rule}) == MappingEffect(0, 0, 3, 0, 0, 0)
    assert describe_rule(rule) == f"categories {TEA_CATEGORY}, {COFFEE_CATEGORY}"
    assert (
        find_rule(CatalogueSettings(groups={TEA: BOTH}), TEA)
        == rule
        == GroupRule(category_id=TEA_CATEGORY, more_categories=(COFFEE_CATEGORY,))
    )


def test_one_category_has_the_digest_that_it_always_had() -> None:
    """Products that were written when there could be but one are not written again for that."""
    one, two = DesiredProduct(sku="A", category_ids=(5,)), DesiredProduct(sku="A", category_ids=(5, 6))
    assert digest_product(one, FieldOwnership()) == "9e6425c02ea6772a"
    assert digest_product(one, FieldOwnership()) != digest_product(two, FieldOwnership())
