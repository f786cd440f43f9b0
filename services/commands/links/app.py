"""`davtari links export|import|rebuild`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from services.commands.codes import FAILED
from services.commands.frame import Json, Patience, command, settings
from services.commands.links import asking, rebuilding, table
from services.commands.links.table import Line
from services.commands.links.verdict import Known, Verdict, judged
from services.commands.screen import as_json, console, errors
from services.commands.shops.choice import Shop, chosen_shop
from services.shared.clock import utc_now
from services.shared.running.upstreams import open_shop
from services.shared.settings.model import Settings
from services.shared.woocommerce.client import WooCommerce

app = typer.Typer(no_args_is_help=True, help="Which Balance item is which product.")
DryRun = Annotated[bool, typer.Option("--dry-run/--yes", help="Only look; --yes makes the links.")]
Lines = Callable[[WooCommerce, Known], Awaitable[Sequence[Line]]]
SHOWN = 20


@app.command(name="export")
@command
async def export_command(path: Path, shop: Shop = "") -> int:
    """Write every link of a shop as CSV: shop, item, SKU, product, variation, how it came about."""
    chosen = settings()
    known = await asking.known(chosen, chosen_shop(chosen, shop))
    count = table.write(sorted(known.links.values(), key=lambda link: link.sku), path)
    console.print(f"{count} links written to {path}")
    return 0


@app.command(name="import")
@command
async def import_command(
    path: Path, shop: Shop = "", dry_run: DryRun = True, patience: Patience = 60.0, json: Json = False
) -> int:
    """Take links from CSV: our own export, or two columns SKU and uid. Each is looked up in the shop first."""
    chosen = settings()
    name = chosen_shop(chosen, shop)
    lines = table.read(path, name)

    async def given(_: WooCommerce, __: Known) -> Sequence[Line]:
        return lines

    return await _made(chosen, name, given, dry_run=dry_run, patience=patience, json=json)


@app.command(name="rebuild")
@command
async def rebuild_command(
    shop: Shop = "", dry_run: DryRun = True, patience: Patience = 60.0, json: Json = False
) -> int:
    """Find the links again in the shop itself, by the uid at each product and by SKU, when the topics are lost too."""
    chosen = settings()
    name = chosen_shop(chosen, shop)

    async def found(client: WooCommerce, known: Known) -> Sequence[Line]:
        lines = await rebuilding.lines(client, known.items, known.meta_key)
        return [line for line in lines if line.item not in known.links]

    return await _made(chosen, name, found, dry_run=dry_run, patience=patience, json=json)


async def _made(chosen: Settings, name: str, lines: Lines, *, dry_run: bool, patience: float, json: bool) -> int:
    known = await asking.known(chosen, name)
    async with open_shop(chosen, name, utc_now) as client:
        verdicts = await judged(await lines(client, known), known, client)
    links = [one.link for one in verdicts if one.link]
    if not dry_run:
        await asking.ask(chosen, name, links, patience)
    as_json(_data(verdicts, dry_run)) if json else _show(verdicts, dry_run)
    return FAILED if any(not one.link and not one.done for one in verdicts) else 0


def _data(verdicts: Sequence[Verdict], dry_run: bool) -> dict[str, object]:
    linked = [one.link.model_dump(mode="json") for one in verdicts if one.link]
    refused = [{"line": one.line.number, "item": one.line.item, "why": one.why} for one in _refused(verdicts)]
    done = sum(one.done for one in verdicts)
    return {"dry_run": dry_run, "links": linked, "linked_already": done, "refused": refused}


def _refused(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return [one for one in verdicts if not one.link and not one.done]


def _show(verdicts: Sequence[Verdict], dry_run: bool) -> None:
    links, refused = sum(one.link is not None for one in verdicts), _refused(verdicts)
    done = sum(one.done for one in verdicts)
    what = "would be made (--yes makes them)" if dry_run else "made"
    console.print(f"{links} links {what}, {done} are there already, {len(refused)} refused.")
    for one in refused[:SHOWN]:
        errors.print(f"  line {one.line.number}: {one.line.sku}: {one.why}", soft_wrap=True, markup=False)
    if len(refused) > SHOWN:
        errors.print(f"  and {len(refused) - SHOWN} more; --json names them all")
