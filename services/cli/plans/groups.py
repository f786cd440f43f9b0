"""Balance's tree of groups, with items by type and the category of each group in a shop (claim S1.5)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from services.accounting.catalogue.eligibility import item_traits
from services.accounting.mapping import decide_group
from services.cli.plans.catalogue import KnownCatalogue
from services.cli.screen import Text, build_table, compose, console, styled

NO_GROUP = ""


@dataclass(frozen=True, slots=True)
class CatalogueGroup:
    """A group. Counts include subgroups; `own` counts the items directly in it.

    `fate` is decided by the entry of group `by`; `included`: an own entry includes it. `path`: the names from the root.
    """

    uid: str
    name: str
    path: str
    depth: int
    own: int
    goods: int
    services: int
    others: int
    fate: Literal["category", "excluded", "not mapped"]
    category_ids: tuple[int, ...]
    by: str
    by_name: str
    included: bool = False


def list_groups(catalogue: KnownCatalogue) -> list[CatalogueGroup]:
    """List all groups by name, parents first; items without a group come last."""
    above = parent_groups(catalogue)
    own: defaultdict[str, Counter[str]] = defaultdict(Counter)
    whole: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for item in catalogue.items.values():
        own[item.group or NO_GROUP][item.kind] += 1
        for group in item_traits(item).groups or (NO_GROUP,):
            whole[group][item.kind] += 1
    named = {**catalogue.names, **({NO_GROUP: "(no group)"} if NO_GROUP in own else {})}
    ways = {uid: path_to_root(uid, above) for uid in named}
    found = [_group(catalogue, uid, ways[uid], own[uid], whole[uid]) for uid in named]
    return sorted(found, key=lambda group: (group.uid == NO_GROUP, [named[one] for one in reversed(ways[group.uid])]))


def parent_groups(catalogue: KnownCatalogue) -> dict[str, str]:
    """The parent of each group."""
    above = {uid: folder.group for uid, folder in catalogue.folders.items() if folder.group}
    for item in catalogue.items.values():
        for upper, lower in zip(item.path, item.path[1:], strict=False):
            above.setdefault(lower.uid, upper.uid)
    return {uid: group for uid, group in above.items() if group in catalogue.names}


def path_to_root(uid: str, above: Mapping[str, str]) -> tuple[str, ...]:
    """The group and its ancestors up to the root; a cycle is followed once."""
    return tuple(dict.fromkeys(_up(uid, above)))


def _up(uid: str, above: Mapping[str, str]) -> Iterator[str]:
    seen: set[str] = set()
    while uid not in seen:
        yield uid
        seen.add(uid)
        uid = above.get(uid, uid)


def _group(
    catalogue: KnownCatalogue, uid: str, steps: Sequence[str], own: Mapping[str, int], whole: Mapping[str, int]
) -> CatalogueGroup:
    becomes = decide_group(steps, catalogue.rules)
    names = [catalogue.names.get(step, "(no group)") for step in steps]
    goods, services = whole.get("goods", 0), whole.get("service", 0)
    return CatalogueGroup(
        uid=uid,
        name=names[0],
        path="/".join(reversed(names)),
        depth=len(steps) - 1,
        own=sum(own.values()),
        goods=goods,
        services=services,
        others=sum(whole.values()) - goods - services,
        fate="excluded" if becomes.excluded else "category" if becomes.category_ids else "not mapped",
        category_ids=becomes.category_ids,
        by=becomes.by,
        by_name=catalogue.names.get(becomes.by, becomes.by),
        included=uid in catalogue.rules.included_groups,
    )


GROUP_HEADINGS = ("group", "goods", "services", "other", "category", "uid")


def show_groups(shop: str, found: Sequence[CatalogueGroup]) -> None:
    """Print the tree, and what to do with groups without a category."""
    if not found:
        console.print("Balance's groups are not known yet: davtari import items")
        return
    console.print(compose(styled("Groups of Balance", "bold"), f" · shop {shop} · counts include subgroups"))
    console.print(build_table(GROUP_HEADINGS, [_row(group) for group in found], right=(1, 2, 3)))
    left = [group for group in found if group.fate == "not mapped" and group.goods and group.uid]
    if left:
        console.print(f"  {len(left)} groups with goods have no category, so their items are not sold")
        console.print(f"  Map one:     davtari mapping set {left[0].uid} CATEGORY", soft_wrap=True)
        console.print(f"  Exclude one: davtari mapping exclude {left[0].uid}", soft_wrap=True)


def _row(group: CatalogueGroup) -> tuple[object, ...]:
    name = "  " * group.depth + group.name
    return name, group.goods or "", group.services or "", group.others or "", describe_fate(group), group.uid


def describe_fate(group: CatalogueGroup) -> str | Text:
    """Describe the category or exclusion of a group."""
    through = f", by {group.by_name}" if group.by not in ("", group.uid) else ""
    if group.fate == "category":
        return compose(styled(f"category {', '.join(map(str, group.category_ids))}", "green"), through)
    if group.fate == "excluded":
        return f"excluded{through}"
    return styled("included, but no category yet", "yellow") if group.included else styled("not mapped", "yellow")
