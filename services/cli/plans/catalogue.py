"""Balance's catalogue from the topics, and the mapping rules of one shop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from contracts.balance import ItemChanged, ItemWithdrawn
from contracts.catalog import GroupRule, MappingChanged, ProductLinked, ProductUnlinked
from contracts.envelope import Envelope
from contracts.model import Event
from contracts.reasons import Reason
from services.accounting.catalogue.eligibility import Eligible, Skip, check_eligibility, item_sku_ref, item_traits
from services.accounting.mapping import GroupCommands, apply_commands
from services.engine.client.reader import read_events
from services.settings.catalogue import CatalogueSettings
from services.settings.model import Settings
from services.settings.shop import ShopSettings

TOPICS = ("balance.items", "catalog.links", "catalog.mappings")


@dataclass(frozen=True)
class KnownCatalogue:
    """`items` and `folders` by uid. `linked`: items that are products of the shop; `changes`: mapping commands."""

    shop: str
    settings: ShopSettings
    items: Mapping[str, ItemChanged]
    folders: Mapping[str, ItemChanged]
    linked: frozenset[str] = frozenset()
    changes: Mapping[str, MappingChanged] = field(default_factory=dict)

    @property
    def commanded(self) -> dict[str, GroupRule]:
        """The rules set by commands, by group."""
        return {group: change.rule for group, change in self.changes.items() if change.rule is not None}

    @cached_property
    def rules(self) -> CatalogueSettings:
        """The current rules."""
        return apply_commands(self.settings.catalogue, self.commanded)

    @cached_property
    def names(self) -> dict[str, str]:
        """The name of every group: from its record, or from the path of an item in it."""
        in_paths = {step.uid: step.name for item in self.items.values() for step in item.path}
        return in_paths | {uid: folder.name for uid, folder in self.folders.items()}

    def under(self, commanded: GroupCommands) -> CatalogueSettings:
        """The rules with these commands instead."""
        return apply_commands(self.settings.catalogue, commanded)


def judge_items(items: Mapping[str, ItemChanged], rules: CatalogueSettings) -> dict[str, Eligible | Skip]:
    """Decide about each item as the importer does; of items with the same SKU, none is sold."""
    found = {uid: check_eligibility(item_traits(item), rules) for uid, item in items.items()}
    eligible = Counter(item_sku_ref(items[uid]) for uid, verdict in found.items() if isinstance(verdict, Eligible))
    twice = Skip(Reason.PRODUCT_SKU_USED_TWICE, "another item carries the same SKU")
    return {
        uid: twice if isinstance(verdict, Eligible) and eligible[item_sku_ref(items[uid])] > 1 else verdict
        for uid, verdict in found.items()
    }


def build_catalogue(settings: Settings, shop: str, envelopes: Iterable[Envelope[Event]]) -> KnownCatalogue:
    """Build the catalogue from the last event of each item, link and group."""
    known = KnownCatalogue(shop, settings.shops[shop], {}, {})
    items: dict[str, ItemChanged] = {}
    linked: set[str] = set()
    changes: dict[str, MappingChanged] = {}
    for event in (envelope.data for envelope in envelopes):
        match event:
            case ItemChanged():
                items[event.item] = event
            case ItemWithdrawn():
                items.pop(event.item, None)
            case ProductLinked() if event.shop == shop:
                linked.add(event.item)
            case ProductUnlinked() if event.shop == shop:
                linked.discard(event.item)
            case MappingChanged() if event.shop == shop:
                changes[event.group] = event
    folders = {uid: item for uid, item in items.items() if item.kind == "folder"}
    goods = {uid: item for uid, item in items.items() if item.kind != "folder"}
    return replace(known, items=goods, folders=folders, linked=frozenset(linked), changes=changes)


async def read_catalogue(settings: Settings, shop: str) -> KnownCatalogue:
    """Read the current catalogue from Kafka."""
    return build_catalogue(settings, shop, [envelope async for envelope in read_events(settings, TOPICS)])
