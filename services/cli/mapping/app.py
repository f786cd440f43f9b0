"""`davtari mapping list|set|exclude|include|clear|test`."""

from __future__ import annotations

from typing import Annotated

import typer

from contracts.catalog import GroupRule
from services.accounting.mapping.effective import entry, in_categories
from services.cli.command import Json, Patience, Shop, command, read_settings, select_shop
from services.cli.mapping.change import Wish, carry_out
from services.cli.mapping.chosen import category_meant, group_meant, shut_below
from services.cli.mapping.listing import show_entries, show_matches
from services.cli.plans.catalogue import Catalogue, read_catalogue
from services.cli.screen import report_unreadable
from services.connectors.upstreams import open_shop
from services.engine.runtime.clock import utc_now
from services.settings.model import Settings

app = typer.Typer(no_args_is_help=True, help="Which groups of Balance a shop sells, and in which category.")
Group = Annotated[str, typer.Argument(help="The group's uid, its name, or its path (Goods/Tea).")]
Yes = Annotated[bool, typer.Option("--yes/--dry-run", help="Save it; without --yes only show what would follow.")]
NO_RULE = GroupRule()


async def _known(shop: str) -> tuple[Settings, Catalogue]:
    chosen = read_settings()
    return chosen, await read_catalogue(chosen, select_shop(chosen, shop))


@app.command(name="list")
@command
async def list_command(shop: Shop = "", json: Json = False) -> int:
    """The entries that hold, and who says so: the settings, or a person's command."""
    show_entries((await _known(shop))[1], json)
    return 0


@app.command(name="set")
@command
async def set_command(
    group: Group,
    categories: Annotated[list[str], typer.Argument(help="Ids or names of categories of the shop.")],
    shop: Shop = "",
    yes: Yes = False,
    patience: Patience = 30.0,
    json: Json = False,
) -> int:
    """Put what stands in a group, and below it, into one category of the shop, or into several.

    Categories that somebody added to a product in the shop stay there.
    """
    chosen, catalogue = await _known(shop)
    async with open_shop(chosen, catalogue.shop, utc_now) as client:
        listed = await client.categories()
    meant = group_meant(catalogue, group)
    opened = meant.uid in catalogue.rules.included_groups
    ids = dict.fromkeys(category_meant(listed.records, category).id for category in categories)
    report_unreadable(listed.unreadable)
    rule = in_categories([*ids], "included" if opened else None)
    return await carry_out(chosen, catalogue, Wish({meant.uid: rule}, yes, patience, json))


@app.command(name="exclude")
@command
async def exclude_command(
    group: Group, shop: Shop = "", yes: Yes = False, patience: Patience = 30.0, json: Json = False
) -> int:
    """Shut a group and all below it; what stands in it never touches the shop."""
    chosen, catalogue = await _known(shop)
    uid = group_meant(catalogue, group).uid
    rule = (entry(catalogue.rules, uid) or NO_RULE).model_copy(update={"access": "excluded"})
    return await carry_out(chosen, catalogue, Wish({uid: rule}, yes, patience, json))


@app.command(name="include")
@command
async def include_command(
    group: Group,
    subtree: Annotated[bool, typer.Option("--subtree", help="Also the groups below that are shut themselves.")] = False,
    shop: Shop = "",
    yes: Yes = False,
    patience: Patience = 30.0,
    json: Json = False,
) -> int:
    """Open a group and all below it, also where a group above is excluded. It keeps its category."""
    chosen, catalogue = await _known(shop)
    meant = group_meant(catalogue, group)
    uids = [meant.uid, *[other.uid for other in shut_below(catalogue, meant) if subtree]]
    rules = {uid: entry(catalogue.rules, uid) or NO_RULE for uid in uids}
    changes = {uid: rule.model_copy(update={"access": "included"}) for uid, rule in rules.items()}
    return await carry_out(chosen, catalogue, Wish(changes, yes, patience, json))


@app.command(name="clear")
@command
async def clear_command(
    group: Group, shop: Shop = "", yes: Yes = False, patience: Patience = 30.0, json: Json = False
) -> int:
    """Take back what was commanded about a group: what the settings say of it holds again."""
    chosen, catalogue = await _known(shop)
    changes = {group_meant(catalogue, group).uid: None}
    return await carry_out(chosen, catalogue, Wish(changes, yes, patience, json))


@app.command(name="test")
@command
async def test_command(patterns: list[str], shop: Shop = "", json: Json = False) -> int:
    """Which SKUs patterns such as 'TEA-*' take, as catalogue.sku-allow and sku-deny would."""
    show_matches((await _known(shop))[1], patterns, json)
    return 0
