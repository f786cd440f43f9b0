"""Balance's catalogue as the topics have it, and the rules that decide about it in one shop."""

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
from services.accounting.mapping import Commanded, effective
from services.catalog_importer.eligibility import Eligible, Skip, check_eligibility, item_traits
from services.catalog_importer.records import sku_ref
from services.engine.client.reader import read_events
from services.settings.catalogue import CatalogueSettings
from services.settings.model import Settings
from services.settings.shop import ShopSettings

TOPICS = ("balance.items", "catalog.links", "catalog.mappings")


@dataclass(frozen=True)
class KnownCatalogue:
    """`items` and `folders` by uid; `linked` are the items that are products of the shop, `changes` its commands."""

    shop: str
    settings: ShopSettings
    items: Mapping[str, ItemChanged]
    folders: Mapping[str, ItemChanged]
    linked: frozenset[str] = frozenset()
    changes: Mapping[str, MappingChanged] = field(default_factory=dict)

    @property
    def commanded(self) -> dict[str, GroupRule]:
        """What people have commanded, by group."""
        return {group: change.rule for group, change in self.changes.items() if change.rule is not None}

    @cached_property
    def rules(self) -> CatalogueSettings:
        """The rules that hold now."""
        return effective(self.settings.catalogue, self.commanded)

    @cached_property
    def names(self) -> dict[str, str]:
        """The name of every group: from its own record, else from the way to an item in it."""
        on_the_way = {step.uid: step.name for item in self.items.values() for step in item.path}
        return on_the_way | {uid: folder.name for uid, folder in self.folders.items()}

    def under(self, commanded: Commanded) -> CatalogueSettings:
        """The rules as they would be with these commands instead."""
        return effective(self.settings.catalogue, commanded)


def judge_items(items: Mapping[str, ItemChanged], rules: CatalogueSettings) -> dict[str, Eligible | Skip]:
    """What the importer decides about each item: one SKU lets one item in."""
    found = {uid: check_eligibility(item_traits(item), rules) for uid, item in items.items()}
    let_in = Counter(sku_ref(items[uid]) for uid, verdict in found.items() if isinstance(verdict, Eligible))
    twice = Skip(Reason.PRODUCT_SKU_USED_TWICE, "another item carries the same SKU")
    return {
        uid: twice if isinstance(verdict, Eligible) and let_in[sku_ref(items[uid])] > 1 else verdict
        for uid, verdict in found.items()
    }


def build_catalogue(settings: Settings, shop: str, envelopes: Iterable[Envelope[Event]]) -> KnownCatalogue:
    """The catalogue from what the topics say last about each item, link and group."""
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
    """The catalogue as the topics stand now."""
    return build_catalogue(settings, shop, [envelope async for envelope in read_events(settings.kafka, TOPICS)])
