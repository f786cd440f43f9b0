"""A small catalogue of Balance for the commands: a tree of groups with goods, a service and an item in no group."""

from __future__ import annotations

from typing import Any

from contracts.catalog import GroupRule, MappingChanged, ProductLinked
from contracts.envelope import wrap
from contracts.model import Event
from services.cli.plans.catalogue import KnownCatalogue, build_catalogue
from tests.catalog_importer.catalogue_bench import COFFEE, DRY, ROOT, TEA, TOYS, item, settings
from tests.support.memory_state import NOON

GREEN = "group-green"
ITEMS: tuple[Event, ...] = (
    item("tea-100"),
    item("tea-200"),
    item("green-1", group=GREEN, path=(ROOT, TEA, GREEN)),
    item("mocha-1", group=COFFEE),
    item("bear-1", group=TOYS),
    item("repair", group=TOYS, kind="service"),
    item("lost", group=None, path=()),
)


def folder(uid: str, *above: str) -> Event:
    """A group below others, the root first; it is called like its uid."""
    return item(uid, kind="folder", group=above[-1] if above else None, path=above, sku=None, name=uid)


FOLDERS = (folder(ROOT), folder(TEA, ROOT), folder(COFFEE, ROOT), folder(TOYS, ROOT), folder(GREEN, ROOT, TEA))


def commanded(group: str, rule: GroupRule | None, by: str = "nino") -> MappingChanged:
    """A person's word about a group."""
    return MappingChanged(shop="main", group=group, rule=rule, command_id="c", changed_by=by, changed_at=NOON)


def linked(uid: str) -> ProductLinked:
    """An item that is a product of the shop."""
    known = {"shop": "main", "item": uid, "product_id": 7, "sku": uid.upper(), "how": "created", "linked_at": NOON}
    return ProductLinked.model_validate(known)


def known(*more: Event, **shop: Any) -> KnownCatalogue:
    """The catalogue read from topics with these events."""
    envelopes = [wrap(e, version=n, source="t", time=NOON) for n, e in enumerate((*ITEMS, *FOLDERS, *more), 1)]
    return build_catalogue(settings(DRY, **shop), "main", envelopes)
