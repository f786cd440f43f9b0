"""Whether every selected group of Balance goes into a category that the shop has (claim S1.9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from contracts.balance import ItemChanged
from services.accounting.checks.findings import Finding, describe_left_out
from services.accounting.mapping import apply_commands, decide_group, read_commands
from services.connectors.woocommerce.client import WooCommerce
from services.engine.client.reader import read_events
from services.settings.catalogue import CatalogueSettings
from services.settings.model import Settings

MENU = "Products → Categories"
Folders = Mapping[str, ItemChanged]
"""The groups of Balance by uid, as far as they are known."""


async def find_group_faults(client: WooCommerce, settings: Settings, name: str) -> list[Finding]:
    """What is wrong with the selected groups of a shop. Raises `UpstreamError` and `KafkaError`.

    Balance's tree is read only where something looks wrong: a group may have its category from one above it, or be shut
    by it.
    """
    commanded = await read_commands(settings)
    rules = apply_commands(settings.shops[name].catalogue, commanded.get(name, {}))
    there, unread = await _categories(client)
    if find_without_category(name, rules, there, {}):
        return [*find_without_category(name, rules, there, await read_folders(settings)), *unread]
    return unread


async def _categories(client: WooCommerce) -> tuple[set[int], list[Finding]]:
    """The ids of the shop's categories, and a finding for those that cannot be read."""
    listed = await client.categories()
    return {category.id for category in listed.records}, describe_left_out("categories", listed.unreadable, MENU)


async def read_folders(settings: Settings) -> dict[str, ItemChanged]:
    """The groups of Balance as the topic has them."""
    events = [envelope.data async for envelope in read_events(settings, ["balance.items"])]
    return {event.item: event for event in events if isinstance(event, ItemChanged) and event.kind == "folder"}


async def check_known_groups(
    client: WooCommerce, rules: CatalogueSettings, name: str, folders: Folders
) -> list[Finding]:
    """The same where the rules that hold and Balance's groups are known already. Raises `UpstreamError`."""
    there, unread = await _categories(client)
    return [*find_without_category(name, rules, there, folders), *unread]


def find_without_category(name: str, rules: CatalogueSettings, there: Iterable[int], folders: Folders) -> list[Finding]:
    """A finding for each group that is mapped or included, is not shut, and has no category that is there."""
    known = set(there)
    chosen = dict.fromkeys((*rules.groups, *rules.included_groups))
    fates = {group: decide_group(_way(group, folders), rules) for group in chosen}
    open_ = {group: found.category_ids for group, found in fates.items() if not found.excluded}
    bad = {
        group: [id_ for id_ in ids if id_ not in known]
        for group, ids in open_.items()
        if not known.issuperset(ids) or not ids
    }
    return [*_of_groups(name, bad, folders), *_of_requisite(name, rules, known)]


def _of_groups(name: str, bad: Mapping[str, list[int]], folders: Folders) -> Iterator[Finding]:
    for group, absent in bad.items():
        message = f"goes into category {_listed(absent)}" if absent else "is selected, and has no category"
        missing = ", which the shop does not have" if absent else ""
        title = f"{folders[group].name} ({group})" if group in folders else group
        fix = f"davtari mapping set {group} CATEGORY --shop {name} --yes, or davtari mapping exclude {group}"
        yield Finding(f"group {title}", False, message + missing, fix, ("catalogue",))


def _of_requisite(name: str, rules: CatalogueSettings, known: set[int]) -> Iterator[Finding]:
    for value, ids in rules.categories.items():
        if absent := [id_ for id_ in ids if id_ not in known]:
            message = f"category {_listed(absent)} is not in the shop"
            key = f"shops.{name}.catalogue.categories"
            yield Finding(f"{key}.{value}", False, message, "write the id of one that is", ("catalogue",))


def _listed(ids: Iterable[int]) -> str:
    return ", ".join(map(str, ids))


def _way(group: str, folders: Folders) -> list[str]:
    found = [group]
    while (folder := folders.get(found[-1])) and folder.group and folder.group not in found:
        found.append(folder.group)
    return found
