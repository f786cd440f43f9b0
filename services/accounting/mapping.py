"""Which groups of Balance are sold in a shop, and in which categories: the settings, overridden by commands.

Claims S0.3 to S0.5. A command of a person about a group has precedence over the settings' entry for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from contracts.catalog import GroupRule, MappingChanged
from contracts.envelope import Envelope
from contracts.model import Event
from services.engine.client.reader import read_events
from services.settings.catalogue import CatalogueSettings
from services.settings.model import Settings
from services.settings.shop import ShopSettings

Access = Literal["included", "excluded"] | None
GroupCommands = Mapping[str, GroupRule]
"""By group; the settings apply to groups that are not in it."""


def apply_commands(rules: CatalogueSettings, commands: GroupCommands) -> CatalogueSettings:
    """The effective rules: the entry of every group with a command, the settings for the others (claim S0.4)."""
    if not commands:
        return rules
    groups = {group: category for group, category in rules.groups.items() if group not in commands}
    mapped = {group: rule.category_ids for group, rule in commands.items() if rule.category_ids}
    access = {
        "excluded_groups": _with(rules.excluded_groups, commands, "excluded"),
        "included_groups": _with(rules.included_groups, commands, "included"),
    }
    return rules.model_copy(update={"groups": groups | mapped, **access})


def _with(settled: tuple[str, ...], commands: GroupCommands, access: str) -> tuple[str, ...]:
    kept = [group for group in settled if group not in commands]
    return (*kept, *[group for group, rule in commands.items() if rule.access == access])


def find_rule(rules: CatalogueSettings, group: str) -> GroupRule | None:
    """The entry for this group itself; None if it has none."""
    if group in rules.excluded_groups:
        return build_rule(rules.groups.get(group, ()), "excluded")
    if group in rules.included_groups:
        return build_rule(rules.groups.get(group, ()), "included")
    return build_rule(rules.groups[group]) if group in rules.groups else None


def build_rule(ids: Sequence[int], access: Access = None) -> GroupRule:
    """A rule that assigns these categories to a group."""
    return GroupRule(category_id=next(iter(ids), None), more_categories=tuple(ids[1:]), access=access)


def with_change(commands: GroupCommands, event: MappingChanged) -> dict[str, GroupRule]:
    """The entries after a change; a null rule removes the entry."""
    others = {group: rule for group, rule in commands.items() if group != event.group}
    return others if event.rule is None else others | {event.group: event.rule}


def apply_to_shop(shop: ShopSettings, commands: GroupCommands) -> ShopSettings:
    """A shop's settings with the effective rules about groups."""
    return shop.model_copy(update={"catalogue": apply_commands(shop.catalogue, commands)})


def apply_to_settings(settings: Settings, commands: Mapping[str, GroupCommands]) -> Settings:
    """The same for every shop."""
    shops = {name: apply_to_shop(shop, commands.get(name, {})) for name, shop in settings.shops.items()}
    return settings.model_copy(update={"shops": shops})


@dataclass(frozen=True, slots=True)
class GroupDecision:
    """`by` is the group whose entry decides; empty if there is no entry, which means that it is not sold."""

    category_ids: tuple[int, ...] = ()
    excluded: bool = False
    by: str = ""


def decide_group(groups: Sequence[str], rules: CatalogueSettings) -> GroupDecision:
    """Decide the first of these groups, which are ordered from the nearest to the root.

    An excluded folder excludes its whole subtree, mapped or not, down to a folder that is included again. The
    categories are those of the nearest mapped folder.
    """
    ruled = next((group for group in groups if group in rules.excluded_groups or group in rules.included_groups), "")
    if ruled in rules.excluded_groups:
        return GroupDecision(excluded=True, by=ruled)
    mapped = next((group for group in groups if group in rules.groups), None)
    return GroupDecision(by=ruled) if mapped is None else GroupDecision(rules.groups[mapped], by=mapped)


TOPIC = MappingChanged.TOPIC


def collect_commands(envelopes: Iterable[Envelope[Event]]) -> dict[str, dict[str, GroupRule]]:
    """`{shop: {group: rule}}`: the last command about each group; other events are ignored."""
    found: defaultdict[str, dict[str, GroupRule]] = defaultdict(dict)
    for event in (envelope.data for envelope in envelopes):
        if isinstance(event, MappingChanged):
            found[event.shop] = with_change(found[event.shop], event)
    return dict(found)


async def read_commands(settings: Settings) -> dict[str, dict[str, GroupRule]]:
    """The same, read from the topic."""
    return collect_commands([envelope async for envelope in read_events(settings, [TOPIC])])
