"""The settings' rules about groups with a person's commands over them: an entry by command wins over the settings'."""

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
from services.settings.kafka import KafkaSettings
from services.settings.model import Settings
from services.settings.shop import ShopSettings

Access = Literal["included", "excluded"] | None
GroupCommands = Mapping[str, GroupRule]
"""By group; a group that is not in it goes by the settings."""


def apply_commands(rules: CatalogueSettings, commands: GroupCommands) -> CatalogueSettings:
    """The rules that hold: for every commanded group its entry, for the others the settings' (claim S0.4)."""
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
    """What these rules say of this very group; None when it has no entry."""
    if group in rules.excluded_groups:
        return build_rule(rules.groups.get(group, ()), "excluded")
    if group in rules.included_groups:
        return build_rule(rules.groups.get(group, ()), "included")
    return build_rule(rules.groups[group]) if group in rules.groups else None


def build_rule(ids: Sequence[int], access: Access = None) -> GroupRule:
    """The rule that puts a group into these categories."""
    return GroupRule(category_id=next(iter(ids), None), more_categories=tuple(ids[1:]), access=access)


def with_change(commands: GroupCommands, event: MappingChanged) -> dict[str, GroupRule]:
    """The entries after a change; a null rule takes the entry back."""
    others = {group: rule for group, rule in commands.items() if group != event.group}
    return others if event.rule is None else others | {event.group: event.rule}


def apply_to_shop(shop: ShopSettings, commands: GroupCommands) -> ShopSettings:
    """A shop's settings with the rules about groups that hold."""
    return shop.model_copy(update={"catalogue": apply_commands(shop.catalogue, commands)})


def apply_to_settings(settings: Settings, commands: Mapping[str, GroupCommands]) -> Settings:
    """The same for every shop."""
    shops = {name: apply_to_shop(shop, commands.get(name, {})) for name, shop in settings.shops.items()}
    return settings.model_copy(update={"shops": shops})


# What becomes of a group of Balance in a shop: open or shut, and into which category (claims S0.3, S0.4, S0.5).


@dataclass(frozen=True, slots=True)
class GroupDecision:
    """`by` is the group whose entry decides; empty where no entry says anything: default deny."""

    category_ids: tuple[int, ...] = ()
    excluded: bool = False
    by: str = ""


def decide_group(groups: Sequence[str], rules: CatalogueSettings) -> GroupDecision:
    """The fate of the first of these groups; they stand from the nearest to the root.

    An excluded folder shuts its whole subtree, mapped or not, down to a folder that is included again. The categories
    are those of the nearest mapped folder.
    """
    said = next((group for group in groups if group in rules.excluded_groups or group in rules.included_groups), "")
    if said in rules.excluded_groups:
        return GroupDecision(excluded=True, by=said)
    mapped = next((group for group in groups if group in rules.groups), None)
    return GroupDecision(by=said) if mapped is None else GroupDecision(rules.groups[mapped], by=mapped)


# Reading from the topics what people have commanded about groups, outside of any service.

TOPIC = MappingChanged.TOPIC


def collect_commands(envelopes: Iterable[Envelope[Event]]) -> dict[str, dict[str, GroupRule]]:
    """`{shop: {group: rule}}`: the last word about each group; other events are passed over."""
    found: defaultdict[str, dict[str, GroupRule]] = defaultdict(dict)
    for event in (envelope.data for envelope in envelopes):
        if isinstance(event, MappingChanged):
            found[event.shop] = with_change(found[event.shop], event)
    return dict(found)


async def read_commands(kafka: KafkaSettings) -> dict[str, dict[str, GroupRule]]:
    """The same, read from the topic as it stands now."""
    return collect_commands([envelope async for envelope in read_events(kafka, [TOPIC])])
