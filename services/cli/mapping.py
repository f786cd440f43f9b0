"""`davtari mapping list|set|exclude|include|clear|test`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from contracts.catalog import GroupRule
from services.accounting.catalogue.eligibility import Eligible, first_match
from services.accounting.mapping import build_rule, find_rule
from services.cli.command import InvalidArgument, Json, Patience, Shop, command, read_settings, select_shop
from services.cli.mapping_change import MappingChange, apply_change, describe_rule, describe_source
from services.cli.plans.catalogue import KnownCatalogue, judge_items, read_catalogue
from services.cli.plans.groups import CatalogueGroup, list_groups
from services.cli.screen import build_table, compose, console, print_json, report_unreadable, styled
from services.connectors.upstreams import open_shop
from services.connectors.woocommerce.products import Category
from services.engine.clock import utc_now
from services.settings.model import Settings

RULE_HEADINGS = ("group", "rule", "goods", "source", "uid")
MOST_MATCHES = 20


def list_entries(catalogue: KnownCatalogue) -> list[dict[str, Any]]:
    """List all entries from settings and commands in the order of the tree; unknown groups come last."""
    rules = catalogue.rules
    tree = {group.uid: group for group in list_groups(catalogue)}
    named = dict.fromkeys((*rules.groups, *rules.excluded_groups, *rules.included_groups))
    order = [uid for uid in tree if uid in named] + [uid for uid in named if uid not in tree]
    return [
        {
            "group": uid,
            "path": tree[uid].path if uid in tree else "(not in Balance)",
            "goods": tree[uid].goods if uid in tree else 0,
            "rule": describe_rule(find_rule(rules, uid)),
            "source": describe_source(catalogue, uid),
        }
        for uid in order
    ]


def show_entries(catalogue: KnownCatalogue, json: bool) -> None:
    """Print the mapping."""
    found = list_entries(catalogue)
    if json:
        print_json({"shop": catalogue.shop, "entries": found})
        return
    console.print(compose(styled(f"Mapping of shop {catalogue.shop}", "bold"), " · an entry applies to all subgroups"))
    rows = [(one["path"], one["rule"], one["goods"], one["source"], one["group"]) for one in found]
    console.print(build_table(RULE_HEADINGS, rows, right=(2,)) if rows else "  No group is mapped, so nothing is sold.")
    console.print("  All groups: davtari plan groups")


def show_matches(catalogue: KnownCatalogue, patterns: Sequence[str], json: bool) -> None:
    """Print the SKUs that match patterns of `catalogue.sku-allow` and `sku-deny` (claim S0.40)."""
    now = judge_items(catalogue.items, catalogue.rules)
    found = [
        {"sku": item.sku, "item": uid, "name": item.name, "pattern": pattern, "sold": isinstance(now[uid], Eligible)}
        for uid, item in sorted(catalogue.items.items(), key=lambda pair: pair[1].sku or "")
        if (pattern := first_match((item.sku or "").strip(), patterns))
    ]
    if json:
        print_json({"shop": catalogue.shop, "of": len(catalogue.items), "matches": found})
        return
    sold = sum(one["sold"] is True for one in found)
    console.print(f"{len(found)} of {len(catalogue.items)} items match; {sold} of them are sold now")
    for one in found[:MOST_MATCHES]:
        console.print(f"  {one['sku']:<20} {one['name']}", soft_wrap=True)
    if len(found) > MOST_MATCHES:
        console.print(f"  … and {len(found) - MOST_MATCHES} more; --json shows all")


def find_group(catalogue: KnownCatalogue, text: str) -> CatalogueGroup:
    """Find a group by uid, name or path ("Goods/Tea"). Raises `WrongUse`, naming the candidates."""
    known = [group for group in list_groups(catalogue) if group.uid]
    wanted = text.strip().casefold()
    for found in (
        [group for group in known if group.uid.casefold() == wanted],
        [group for group in known if wanted in (group.name.casefold(), group.path.casefold())],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            raise InvalidArgument(f"{len(found)} groups are named {text}: {_listed(found)}. Use the uid")
    raise InvalidArgument(f"Unknown group {text}; davtari plan groups lists all")


def _listed(found: Sequence[CatalogueGroup]) -> str:
    return ", ".join(f"{group.path} ({group.uid})" for group in found)


def find_category(categories: Sequence[Category], text: str) -> Category:
    """Find a category by id or name. Raises `WrongUse`: none is created (claim S0.4)."""
    wanted = text.strip().casefold()
    found = [one for one in categories if str(one.id) == wanted] or [
        one for one in categories if one.name.casefold() == wanted
    ]
    if len(found) == 1:
        return found[0]
    there = ", ".join(f"{one.id} {one.name}" for one in found or categories)
    raise InvalidArgument(
        f"{'several categories are' if found else 'the shop has no category'} {text}; there are: {there}"
    )


def excluded_below(catalogue: KnownCatalogue, group: CatalogueGroup) -> Iterator[CatalogueGroup]:
    """The subgroups with their own exclusion."""
    for other in list_groups(catalogue):
        if other.path.startswith(f"{group.path}/") and other.uid in catalogue.rules.excluded_groups:
            yield other


app = typer.Typer(no_args_is_help=True, help="Map groups of Balance to categories of a shop.")
Group = Annotated[str, typer.Argument(help="The group's uid, its name, or its path (Goods/Tea).")]
Yes = Annotated[bool, typer.Option("--yes/--dry-run", help="Save the change; without --yes only show its effect.")]
NO_RULE = GroupRule()


async def _known(shop: str) -> tuple[Settings, KnownCatalogue]:
    chosen = read_settings()
    return chosen, await read_catalogue(chosen, select_shop(chosen, shop))


@app.command(name="list")
@command
async def list_mapping_command(shop: Shop = "", json: Json = False) -> int:
    """List the entries, from the settings or from commands."""
    show_entries((await _known(shop))[1], json)
    return 0


@app.command(name="set")
@command
async def set_mapping_command(
    group: Group,
    categories: Annotated[list[str], typer.Argument(help="Ids or names of the shop's categories.")],
    shop: Shop = "",
    yes: Yes = False,
    patience: Patience = 30.0,
    json: Json = False,
) -> int:
    """Map a group with its subgroups to one or more categories of the shop.

    Categories that were added to a product in the shop are kept.
    """
    chosen, catalogue = await _known(shop)
    async with open_shop(chosen, catalogue.shop, utc_now) as client:
        listed = await client.categories()
    meant = find_group(catalogue, group)
    opened = meant.uid in catalogue.rules.included_groups
    ids = dict.fromkeys(find_category(listed.records, category).id for category in categories)
    report_unreadable(listed.unreadable)
    rule = build_rule([*ids], "included" if opened else None)
    return await apply_change(chosen, catalogue, MappingChange({meant.uid: rule}, yes, patience, json))


@app.command(name="exclude")
@command
async def exclude_group_command(
    group: Group, shop: Shop = "", yes: Yes = False, patience: Patience = 30.0, json: Json = False
) -> int:
    """Exclude a group and its subgroups: their items are not sold."""
    chosen, catalogue = await _known(shop)
    uid = find_group(catalogue, group).uid
    rule = (find_rule(catalogue.rules, uid) or NO_RULE).model_copy(update={"access": "excluded"})
    return await apply_change(chosen, catalogue, MappingChange({uid: rule}, yes, patience, json))


@app.command(name="include")
@command
async def include_group_command(
    group: Group,
    subtree: Annotated[bool, typer.Option("--subtree", help="Also include excluded subgroups.")] = False,
    shop: Shop = "",
    yes: Yes = False,
    patience: Patience = 30.0,
    json: Json = False,
) -> int:
    """Include a group and its subgroups, even if a group above is excluded. It keeps its category."""
    chosen, catalogue = await _known(shop)
    meant = find_group(catalogue, group)
    uids = [meant.uid, *[other.uid for other in excluded_below(catalogue, meant) if subtree]]
    rules = {uid: find_rule(catalogue.rules, uid) or NO_RULE for uid in uids}
    changes = {uid: rule.model_copy(update={"access": "included"}) for uid, rule in rules.items()}
    return await apply_change(chosen, catalogue, MappingChange(changes, yes, patience, json))


@app.command(name="clear")
@command
async def clear_mapping_command(
    group: Group, shop: Shop = "", yes: Yes = False, patience: Patience = 30.0, json: Json = False
) -> int:
    """Remove the commands for a group, so that the settings apply again."""
    chosen, catalogue = await _known(shop)
    changes = {find_group(catalogue, group).uid: None}
    return await apply_change(chosen, catalogue, MappingChange(changes, yes, patience, json))


@app.command(name="test")
@command
async def test_patterns_command(patterns: list[str], shop: Shop = "", json: Json = False) -> int:
    """List the SKUs that match patterns such as 'TEA-*', as in catalogue.sku-allow and sku-deny."""
    show_matches((await _known(shop))[1], patterns, json)
    return 0
