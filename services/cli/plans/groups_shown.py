"""The tree of groups on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape

from services.cli.plans.groups import Group
from services.cli.screen import build_table, console

HEADS = ("group", "goods", "services", "other", "becomes", "uid")


def show(shop: str, found: Sequence[Group]) -> None:
    """The tree, then what to do with groups that have no category yet."""
    if not found:
        console.print("Balance's groups are not known yet: davtari import items")
        return
    console.print(f"[bold]Groups of Balance[/] · shop {shop} · counts are of all that stands in a group, at any depth")
    console.print(build_table(HEADS, [_row(group) for group in found], right=(1, 2, 3)))
    left = [group for group in found if group.fate == "not mapped" and group.goods and group.uid]
    if left:
        console.print(f"  {len(left)} groups with goods have no category: what stands in them stays invisible")
        console.print(f"  Map one:     davtari mapping set {left[0].uid} CATEGORY", soft_wrap=True)
        console.print(f"  Shut it out: davtari mapping exclude {left[0].uid}", soft_wrap=True)


def _row(group: Group) -> tuple[object, ...]:
    name = "  " * group.depth + escape(group.name)
    return name, group.goods or "", group.services or "", group.others or "", becomes(group), group.uid


def becomes(group: Group) -> str:
    """What becomes of a group, in words."""
    through = f", through {escape(group.by_name)}" if group.by not in ("", group.uid) else ""
    if group.fate == "category":
        return f"[green]category {', '.join(map(str, group.category_ids))}[/]{through}"
    if group.fate == "excluded":
        return f"excluded{through}"
    return "[yellow]included, but no category yet[/]" if group.included else "[yellow]not mapped[/]"
