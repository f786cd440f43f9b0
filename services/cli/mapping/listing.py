"""The entries of the mapping, and the SKUs that a pattern takes, on a terminal or as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.markup import escape

from services.accounting.mapping.effective import entry
from services.catalog_importer.eligibility import Eligible, matching
from services.cli.mapping.rule_text import source, told
from services.cli.plans.catalogue import Catalogue, verdicts
from services.cli.plans.groups import groups
from services.cli.screen import build_table, console, print_json

HEADS = ("group", "rule", "goods", "says", "uid")
AT_MOST = 20


def entries(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Every entry that holds, the settings' and the commands', in the order of the tree; unknown groups come last."""
    rules = catalogue.rules
    tree = {group.uid: group for group in groups(catalogue)}
    named = dict.fromkeys((*rules.groups, *rules.excluded_groups, *rules.included_groups))
    order = [uid for uid in tree if uid in named] + [uid for uid in named if uid not in tree]
    return [
        {
            "group": uid,
            "path": tree[uid].path if uid in tree else "(not in Balance)",
            "goods": tree[uid].goods if uid in tree else 0,
            "rule": told(entry(rules, uid)),
            "source": source(catalogue, uid),
        }
        for uid in order
    ]


def show_entries(catalogue: Catalogue, json: bool) -> None:
    """Print the mapping."""
    found = entries(catalogue)
    if json:
        print_json({"shop": catalogue.shop, "entries": found})
        return
    console.print(f"[bold]Mapping of shop {catalogue.shop}[/] · an entry counts for all below its group")
    rows = [(escape(one["path"]), one["rule"], one["goods"], escape(one["source"]), one["group"]) for one in found]
    console.print(build_table(HEADS, rows, right=(2,)) if rows else "  no group is mapped: nothing is sold")
    console.print("  All groups: davtari plan groups")


def show_matches(catalogue: Catalogue, patterns: Sequence[str], json: bool) -> None:
    """Print which SKUs these patterns take, as `catalogue.sku-allow` and `sku-deny` would (claim S0.40)."""
    now = verdicts(catalogue.items, catalogue.rules)
    found = [
        {"sku": item.sku, "item": uid, "name": item.name, "pattern": pattern, "sold": isinstance(now[uid], Eligible)}
        for uid, item in sorted(catalogue.items.items(), key=lambda pair: pair[1].sku or "")
        if (pattern := matching((item.sku or "").strip(), patterns))
    ]
    if json:
        print_json({"shop": catalogue.shop, "of": len(catalogue.items), "matches": found})
        return
    sold = sum(one["sold"] is True for one in found)
    console.print(f"{len(found)} of {len(catalogue.items)} items match; {sold} of them are let in now")
    for one in found[:AT_MOST]:
        console.print(f"  {one['sku']:<20} {one['name']}", markup=False, soft_wrap=True)
    if len(found) > AT_MOST:
        console.print(f"  … and {len(found) - AT_MOST} more: --json shows all")
