"""`davtari propose items|list|export`, `davtari approve item`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from contracts.proposals import ItemApproved, ItemProposed
from services.cli.command import WRONG_SETTINGS, DryRun, Json, ReasonOption, Shop, command, read_settings, select_shop
from services.cli.plans.catalogue import TOPICS as CATALOGUE
from services.cli.plans.catalogue import catalogue
from services.cli.plans.shop_only import ShopOnly, linked_products, shop_only
from services.cli.proposals.accountant import write_csv
from services.cli.proposals.known import TOPICS, Proposal, proposals, to_approve, to_propose
from services.cli.requests import command_header
from services.cli.screen import build_table, console, errors, print_json, report_unreadable
from services.connectors.http.unreadable import Unreadable, readable
from services.connectors.upstreams import open_shop
from services.engine.client.commands import send_command, send_commands
from services.engine.client.reader import read_events
from services.engine.runtime.clock import utc_now
from services.settings.model import Settings

propose_app = typer.Typer(
    no_args_is_help=True, help="Propose products that only the shop has as items of Balance; nothing is written there."
)
Sku = Annotated[str, typer.Option(help="Only SKUs like this: TEA-*.")]
OFF = "shop {shop} proposes nothing: set shops.{shop}.catalogue.propose-items to true"


@propose_app.command(name="items")
@command
async def items_command(shop: Shop = "", sku: Sku = "*", dry_run: DryRun = False, json: Json = False) -> int:
    """Propose the products that only the shop has, each once, as events for whoever keeps Balance's catalogue.

    Products without a SKU, and those whose SKU Balance knows, are left to davtari plan shop-only. Approve with
    davtari approve item SKU; davtari propose export FILE is the list to make them from in Balance.
    """
    chosen = read_settings()
    name = select_shop(chosen, shop)
    if not chosen.shops[name].catalogue.propose_items:
        errors.print(OFF.format(shop=name), soft_wrap=True)
        return WRONG_SETTINGS
    said = to_propose(name, await _shop_only(chosen, name), await _known(chosen, name), sku, command_header())
    if not dry_run:
        await send_commands(chosen.kafka, said, datetime.now(UTC))
    print_json([one.content() for one in said]) if json else _show_new(name, said, dry_run)
    return 0


@propose_app.command(name="list")
@command
async def list_command(shop: Shop = "", json: Json = False) -> int:
    """What was proposed for a shop, what is approved, and what is in Balance by now."""
    chosen = read_settings()
    found = await _known(chosen, select_shop(chosen, shop))
    if json:
        print_json([one.proposed.content() | {"state": one.state, "item": one.item} for one in found])
        return 0
    rows = [(one.proposed.sku, escape(one.proposed.name), one.state, one.proposed.asked_by) for one in found]
    console.print(build_table(("SKU", "name", "", "proposed by"), rows) if rows else "Nothing was proposed.")
    return 0


@propose_app.command(name="export")
@command
async def export_command(file: Path, shop: Shop = "") -> int:
    """Write what is approved and not in Balance yet as CSV, for the accountant: Balance lets nobody else make items."""
    chosen = read_settings()
    count = write_csv(await _known(chosen, select_shop(chosen, shop)), chosen.balance.dialect, file)
    console.print(f"{count} approved items in {file}. Once they are in Balance they are linked by their SKU.")
    return 0


@command
async def approve_item_command(sku: str, shop: Shop = "", why: ReasonOption = "") -> int:
    """Agree that a proposed product becomes an item; it goes into the list for the accountant, not into Balance."""
    chosen = read_settings()
    name = select_shop(chosen, shop)
    meant = to_approve(await _known(chosen, name), sku).proposed
    given = ItemApproved(shop=name, product_id=meant.product_id, sku=meant.sku, why=why, **command_header())
    await send_command(chosen.kafka, given, datetime.now(UTC))
    told = f"Approved by {given.asked_by}: {meant.sku} {meant.name}. Next: davtari propose export FILE --shop {name}"
    console.print(escape(told), soft_wrap=True)
    return 0


async def _known(chosen: Settings, shop: str) -> list[Proposal]:
    return proposals(shop, [envelope async for envelope in read_events(chosen.kafka, TOPICS)])


async def _shop_only(chosen: Settings, shop: str) -> list[ShopOnly]:
    envelopes = [envelope async for envelope in read_events(chosen.kafka, CATALOGUE)]
    linked, left_out = linked_products(shop, envelopes), list[Unreadable]()
    async with open_shop(chosen, shop, utc_now) as client:
        products = readable(client.every_product(), left_out)
        found = await shop_only(catalogue(chosen, shop, envelopes), linked, products)
    report_unreadable(left_out)
    return found


def _show_new(shop: str, said: Sequence[ItemProposed], dry_run: bool) -> None:
    for one in said:
        console.print(f"  {one.sku:<20} {one.name}", markup=False, soft_wrap=True)
    what = "would be proposed" if dry_run else "proposed"
    console.print(f"{len(said)} products of shop {shop} {what}; nothing was written to Balance.")
