"""Every selected group goes into a category that the shop has, or nothing goes live (claim S1.9)."""

from __future__ import annotations

from typing import Any

import pytest

from services.accounting.checks.findings import list_obstacles
from services.accounting.checks.groups import find_without_category
from services.settings.catalogue import CatalogueSettings
from tests.catalog_importer.catalogue_bench import COFFEE, ROOT, TEA
from tests.cli.sample_catalogue import FOLDERS, GREEN

FOLDERS_BY_UID: Any = {folder.key: folder for folder in FOLDERS}


@pytest.mark.claim("S1.9")
@pytest.mark.parametrize(
    ("about", "rules", "wrong"),
    [
        ("mapped to what is there", {"groups": {TEA: 21}}, []),
        ("mapped to what is not there", {"groups": {TEA: 99}}, [TEA]),
        ("one of two", {"groups": {TEA: 21, COFFEE: 99}}, [COFFEE]),
        ("included without any category", {"included_groups": (GREEN,)}, [GREEN]),
        ("included, and mapped through a group above", {"included_groups": (GREEN,), "groups": {TEA: 21}}, []),
        (
            "included, mapped through one that is not there",
            {"included_groups": (GREEN,), "groups": {TEA: 99}},
            [TEA, GREEN],
        ),
        ("shut: it is not selected", {"groups": {TEA: 99}, "excluded_groups": (ROOT,)}, []),
        ("nothing is selected", {}, []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_selected_group_without_a_category_is_named(about: str, rules: dict[str, Any], wrong: list[str]) -> None:
    found = find_without_category("main", CatalogueSettings.model_validate(rules), {21, 22}, FOLDERS_BY_UID)
    assert [one.what.partition("(")[2].rstrip(")") for one in found] == wrong, about
    findings = list_obstacles(found, frozenset({"catalogue"}))
    assert len(findings) == len(wrong)
    assert all(
        f"davtari mapping set {group} CATEGORY --shop main" in text for group, text in zip(wrong, findings, strict=True)
    )
    assert list_obstacles(found, frozenset({"stock", "orders"})) == []


@pytest.mark.claim("S1.9")
def test_a_category_chosen_by_a_requisite_must_be_there_too() -> None:
    rules = CatalogueSettings(groups={TEA: 21}, category_requisite="1", categories={"green": 22, "black": 99})
    [found] = find_without_category("main", rules, {21, 22}, {})
    assert found.what == "shops.main.catalogue.categories.black"
