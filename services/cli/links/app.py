"""`davtari links export|import|rebuild|add|remove`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from services.cli.command import FAILED, Json, Patience, Shop, command, read_settings, select_shop
from services.cli.links import asking, by_hand, rebuilding, table
from services.cli.links.judging import judged
from services.cli.links.verdict import Known, Verdict
from services.cli.screen import console, errors, print_json
from services.connectors.upstreams import open_shop
from services.connectors.woocommerce.client import WooCommerce
from services.engine.runtime.clock import utc_now
from services.settings.model import Settings

app = typer.Typer(no_args_is_help=True, help="Which Balance item is which product.")
DryRun = Annotated[bool, typer.Option("--dry-run/--yes", help="Only look; --yes makes the links.")]
Item = Annotated[str, typer.Argument(help="The item's uid, or its SKU where only one item has it.")]
Product = Annotated[int, typer.Argument(help="The product's id in the shop, or the variation's.")]
Verdicts = Callable[[WooCommerce, Known], Awaitable[Sequence[Verdict]]]
SHOWN = 20


@app.command(name="export")
@command
async def export_command(path: Path, shop: Shop = "") -> int:
    """Write every link of a shop as CSV: shop, item, SKU, product, variation, how it came about."""
    chosen = read_settings()
    known = await asking.known(chosen, select_shop(chosen, shop))
    count = table.write(sorted(known.links.values(), key=lambda link: link.sku), path)
    console.print(f"{count} links written to {path}")
    return 0


@app.command(name="import")
@command
async def import_command(
    path: Path, shop: Shop = "", dry_run: DryRun = True, patience: Patience = 60.0, json: Json = False
) -> int:
    """Take links from CSV: our own export, or two columns SKU and uid. Each is looked up in the shop first."""
    chosen = read_settings()
    name = select_shop(chosen, shop)
    lines = table.read(path, name)

    async def found(client: WooCommerce, known: Known) -> Sequence[Verdict]:
        return await judged(lines, known, client)

    return await _made(chosen, name, found, dry_run=dry_run, patience=patience, json=json)


@app.command(name="rebuild")
@command
async def rebuild_command(
    shop: Shop = "", dry_run: DryRun = True, patience: Patience = 60.0, json: Json = False
) -> int:
    """Find the links again in the shop itself, by the uid at each product and by SKU, when the topics are lost too.

    What is ambiguous is refused by name; the rest is linked.
    """
    chosen = read_settings()
    return await _made(
        chosen, select_shop(chosen, shop), rebuilding.rebuilt, dry_run=dry_run, patience=patience, json=json
    )


@app.command(name="add")
@command
async def add_command(
    item: Item, product: Product, shop: Shop = "", dry_run: DryRun = True, patience: Patience = 60.0, json: Json = False
) -> int:
    """Say which product an item is. For an item that is linked already it is a further one, a translation.

    Prices and stock are written to every product of an item, and orders of each count as that item.
    """
    chosen = read_settings()

    async def found(client: WooCommerce, known: Known) -> Sequence[Verdict]:
        return await judged([await by_hand.line(item, product, known, client)], known, client)

    return await _made(chosen, select_shop(chosen, shop), found, dry_run=dry_run, patience=patience, json=json)


@app.command(name="remove")
@command
async def remove_command(
    item: Item, product: Product, shop: Shop = "", dry_run: DryRun = True, patience: Patience = 60.0, json: Json = False
) -> int:
    """Take a further product out of an item's link. Nothing is changed in the shop."""
    chosen = read_settings()

    async def found(_: WooCommerce, known: Known) -> Sequence[Verdict]:
        return [by_hand.removal(item, product, known)]

    return await _made(chosen, select_shop(chosen, shop), found, dry_run=dry_run, patience=patience, json=json)


async def _made(chosen: Settings, name: str, found: Verdicts, *, dry_run: bool, patience: float, json: bool) -> int:
    known = await asking.known(chosen, name)
    async with open_shop(chosen, name, utc_now) as client:
        verdicts = await found(client, known)
    if not dry_run:
        await asking.ask(chosen, name, [one.link for one in verdicts if one.link], patience)
    print_json(_data(verdicts, dry_run)) if json else _show(verdicts, dry_run)
    return FAILED if any(one.refused for one in verdicts) else 0


def _data(verdicts: Sequence[Verdict], dry_run: bool) -> dict[str, object]:
    linked = [one.link.model_dump(mode="json") for one in verdicts if one.link]
    refused = [
        {"line": one.line.number, "item": one.line.item, "sku": one.line.sku, "why": one.why}
        for one in verdicts
        if one.refused
    ]
    done = sum(one.done for one in verdicts)
    return {"dry_run": dry_run, "links": linked, "linked_already": done, "refused": refused}


def _show(verdicts: Sequence[Verdict], dry_run: bool) -> None:
    refused = [one for one in verdicts if one.refused]
    links, done = sum(one.link is not None for one in verdicts), sum(one.done for one in verdicts)
    what = "would be changed (--yes changes them)" if dry_run else "changed"
    console.print(f"{links} links {what}, {done} are there already, {len(refused)} refused.")
    for one in refused[:SHOWN]:
        at = f"line {one.line.number}: " if one.line.number else ""
        named = one.line.sku or one.line.item
        errors.print(f"  {at}{named}{': ' if named else ''}{one.why}", soft_wrap=True, markup=False)
    if len(refused) > SHOWN:
        errors.print(f"  and {len(refused) - SHOWN} more; --json names them all")
