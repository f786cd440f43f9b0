"""The tree of groups, what a change of the mapping would do, and which SKUs a pattern takes."""

from __future__ import annotations

import json

import pytest

from contracts.balance import ItemWithdrawn
from contracts.catalog import GroupRule
from services.cli.command import InvalidArgument
from services.cli.mapping import excluded_below, find_category, find_group, list_entries, show_matches
from services.cli.mapping_change import MappingEffect, compute_effect
from services.cli.plans import groups
from services.cli.plans.catalogue import judge_items
from services.cli.plans.groups import CatalogueGroup, list_groups
from services.cli.screen import compose, styled
from services.connectors.woocommerce.products import Category
from tests.catalog_importer.catalogue_bench import COFFEE, COFFEE_CATEGORY, ROOT, TEA, TEA_CATEGORY, TOYS, item
from tests.cli.sample_catalogue import GREEN, commanded, folder, known, linked
from tests.support.memory_state import NOON

EXCLUDED = GroupRule(access="excluded")


def tree(found: list[CatalogueGroup]) -> list[tuple[str, int, int, int, int]]:
    return [(group.uid, group.depth, group.own, group.goods, group.services) for group in found]


@pytest.mark.claim("S1.5")
def test_the_tree_counts_items_by_group_and_type() -> None:
    assert tree(list_groups(known())) == [
        (ROOT, 0, 0, 5, 1),
        (COFFEE, 1, 1, 1, 0),
        (TEA, 1, 2, 3, 0),
        (GREEN, 2, 1, 1, 0),
        (TOYS, 1, 2, 1, 1),
        ("", 0, 1, 1, 0),
    ]


@pytest.mark.claim("S1.5")
def test_the_tree_shows_the_category_of_each_group() -> None:
    fates = {group.uid: groups.describe_fate(group) for group in list_groups(known(commanded(COFFEE, EXCLUDED)))}
    assert fates == {
        ROOT: styled("not mapped", "yellow"),
        COFFEE: "excluded",
        TEA: compose(styled(f"category {TEA_CATEGORY}", "green"), ""),
        GREEN: compose(styled(f"category {TEA_CATEGORY}", "green"), f", by {TEA}"),
        TOYS: styled("not mapped", "yellow"),
        "": styled("not mapped", "yellow"),
    }


def test_the_printed_tree_suggests_commands(capsys: pytest.CaptureFixture[str]) -> None:
    groups.show_groups("main", list_groups(known()))
    out = capsys.readouterr().out
    assert f"davtari mapping set {ROOT} CATEGORY" in out
    assert f"  {TEA}" in out
    groups.show_groups("main", [])
    assert "davtari import items" in capsys.readouterr().out


def test_a_cycle_of_groups_ends() -> None:
    found = list_groups(known(folder("group-a", "group-b"), folder("group-b", "group-a")))
    assert {group.uid for group in found} >= {"group-a", "group-b"}


@pytest.mark.claim("S0.39")
@pytest.mark.parametrize(
    ("about", "group", "rule", "expected"),
    [
        ("a new group", TOYS, GroupRule(category_id=TEA_CATEGORY), MappingEffect(1, 0, 0, 0, 0, 0)),
        ("a shut one", TEA, EXCLUDED, MappingEffect(0, 0, 0, 0, 3, 1)),
        ("another category", TEA, GroupRule(category_id=COFFEE_CATEGORY), MappingEffect(0, 0, 3, 1, 0, 0)),
        ("below a mapped one", GREEN, GroupRule(category_id=COFFEE_CATEGORY), MappingEffect(0, 0, 1, 0, 0, 0)),
        ("nothing new", TEA, GroupRule(category_id=TEA_CATEGORY), MappingEffect(0, 0, 0, 0, 0, 0)),
        ("all at once", ROOT, EXCLUDED, MappingEffect(0, 0, 0, 0, 4, 1)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_effect_is_counted_before_anything_is_saved(
    about: str, group: str, rule: GroupRule, expected: MappingEffect
) -> None:
    found = compute_effect(known(linked("tea-100")), {group: rule})
    assert found == expected, about
    assert found.nothing is (about == "nothing new")


def test_a_cleared_group_follows_the_settings() -> None:
    catalogue = known(commanded(TEA, EXCLUDED))
    assert compute_effect(catalogue, {TEA: None}) == MappingEffect(3, 0, 0, 0, 0, 0)


def test_items_with_the_same_sku_are_not_sold() -> None:
    catalogue = known(item("twin", group=COFFEE, sku=" tea-100 "))
    let_in = {uid for uid, verdict in judge_items(catalogue.items, catalogue.rules).items() if hasattr(verdict, "sku")}
    assert let_in == {"tea-200", "green-1", "mocha-1"}
    gone = known(item("twin", group=COFFEE, sku="TEA-100"), ItemWithdrawn(item="twin", observed_at=NOON))
    assert "tea-100" in {uid for uid, found in judge_items(gone.items, gone.rules).items() if hasattr(found, "sku")}


@pytest.mark.claim("S0.4")
def test_groups_and_categories_are_found_by_id_or_name() -> None:
    catalogue = known(folder("other", COFFEE), item("x", kind="folder", group="other", name=TEA.upper(), sku=None))
    assert find_group(catalogue, GREEN).uid == GREEN
    assert find_group(catalogue, f"{ROOT}/{TEA}/{GREEN}").uid == GREEN
    assert find_group(catalogue, TEA).uid == TEA
    with pytest.raises(InvalidArgument, match="davtari plan groups"):
        find_group(catalogue, "nowhere")
    there = [Category(id=17, name="Tea"), Category(id=18, name="Coffee"), Category(id=19, name="coffee")]
    assert (find_category(there, "tea").id, find_category(there, "18").id) == (17, 18)
    for text in ("Coffee", "99"):
        with pytest.raises(InvalidArgument, match="18 Coffee"):
            find_category(there, text)


def test_the_mapping_shows_its_source() -> None:
    found = {one["group"]: one for one in list_entries(known(commanded(TOYS, EXCLUDED), commanded("gone", EXCLUDED)))}
    assert list(found) == [COFFEE, TEA, TOYS, "gone"]
    assert (found[TEA]["rule"], found[TEA]["source"], found[TEA]["goods"]) == (
        f"category {TEA_CATEGORY}",
        "settings",
        3,
    )
    assert (found[TOYS]["rule"], found[TOYS]["source"].startswith("nino, ")) == ("excluded", True)
    assert found["gone"]["path"] == "(not in Balance)"


def test_excluded_subgroups_are_found() -> None:
    catalogue = known(commanded(GREEN, EXCLUDED), commanded(TOYS, EXCLUDED))
    assert [group.uid for group in excluded_below(catalogue, find_group(catalogue, TEA))] == [GREEN]


@pytest.mark.claim("S0.40")
def test_a_pattern_shows_the_matching_skus(capsys: pytest.CaptureFixture[str]) -> None:
    show_matches(known(), ["tea-?00", "bear-*"], json=True)
    report = json.loads(capsys.readouterr().out)
    assert [(one["sku"], one["pattern"], one["sold"]) for one in report["matches"]] == [
        ("BEAR-1", "bear-*", False),
        ("TEA-100", "tea-?00", True),
        ("TEA-200", "tea-?00", True),
    ]
    show_matches(known(), ["*"], json=False)
    assert "7 of 7 items match; 4 of them are sold now" in capsys.readouterr().out
