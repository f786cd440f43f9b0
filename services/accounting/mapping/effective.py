"""The settings' rules about groups with a person's commands over them: an entry by command wins over the settings'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from contracts.catalog import GroupRule, MappingChanged
from services.settings.catalogue import CatalogueSettings
from services.settings.model import Settings
from services.settings.shop import ShopSettings

Access = Literal["included", "excluded"] | None
Commanded = Mapping[str, GroupRule]
"""By group; a group that is not in it goes by the settings."""


def effective(rules: CatalogueSettings, commanded: Commanded) -> CatalogueSettings:
    """The rules that hold: for every commanded group its entry, for the others the settings' (claim S0.4)."""
    if not commanded:
        return rules
    groups = {group: category for group, category in rules.groups.items() if group not in commanded}
    mapped = {group: rule.category_ids for group, rule in commanded.items() if rule.category_ids}
    access = {
        "excluded_groups": _with(rules.excluded_groups, commanded, "excluded"),
        "included_groups": _with(rules.included_groups, commanded, "included"),
    }
    return rules.model_copy(update={"groups": groups | mapped, **access})


def _with(settled: tuple[str, ...], commanded: Commanded, access: str) -> tuple[str, ...]:
    kept = [group for group in settled if group not in commanded]
    return (*kept, *[group for group, rule in commanded.items() if rule.access == access])


def entry(rules: CatalogueSettings, group: str) -> GroupRule | None:
    """What these rules say of this very group; None when it has no entry."""
    if group in rules.excluded_groups:
        return in_categories(rules.groups.get(group, ()), "excluded")
    if group in rules.included_groups:
        return in_categories(rules.groups.get(group, ()), "included")
    return in_categories(rules.groups[group]) if group in rules.groups else None


def in_categories(ids: Sequence[int], access: Access = None) -> GroupRule:
    """The rule that puts a group into these categories."""
    return GroupRule(category_id=next(iter(ids), None), more_categories=tuple(ids[1:]), access=access)


def with_change(commanded: Commanded, event: MappingChanged) -> dict[str, GroupRule]:
    """The entries after a change; a null rule takes the entry back."""
    others = {group: rule for group, rule in commanded.items() if group != event.group}
    return others if event.rule is None else others | {event.group: event.rule}


def mapped_shop(shop: ShopSettings, commanded: Commanded) -> ShopSettings:
    """A shop's settings with the rules about groups that hold."""
    return shop.model_copy(update={"catalogue": effective(shop.catalogue, commanded)})


def mapped_settings(settings: Settings, commanded: Mapping[str, Commanded]) -> Settings:
    """The same for every shop."""
    shops = {name: mapped_shop(shop, commanded.get(name, {})) for name, shop in settings.shops.items()}
    return settings.model_copy(update={"shops": shops})
