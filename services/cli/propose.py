"""`davtari propose items|list|export`, `davtari approve item`."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from contracts.balance import ItemChanged, ItemWithdrawn
from contracts.envelope import Envelope
from contracts.model import Event
from contracts.proposals import ItemApproved, ItemProposed
from services.catalog_importer.eligibility import first_match, same_sku
from services.cli.command import (
    WRONG_SETTINGS,
    DryRun,
    InvalidArgument,
    Json,
    ReasonOption,
    Shop,
    command,
    read_settings,
    select_shop,
)
from services.cli.plans.catalogue import TOPICS as CATALOGUE_TOPICS
from services.cli.plans.catalogue import build_catalogue
from services.cli.plans.plan import escape_formula
from services.cli.plans.shop_only import NOT_IN_BALANCE, ShopOnlyProduct, find_shop_only, linked_products
from services.cli.requests import command_header
from services.cli.screen import build_table, console, errors, print_json, report_unreadable
from services.connectors.http.listing import UnreadableRecord, skip_unreadable
from services.connectors.upstreams import open_shop
from services.engine.client.commands import send_command, send_commands
from services.engine.client.reader import read_events
from services.engine.clock import utc_now
from services.settings.balance import Dialect
from services.settings.model import Settings

# The approved proposals as a table from which the accountant makes items in Balance.
#
# Balance fact 43: no way to write items is known, so Davtari writes none; the columns are named as the fields
# of Balance's items. Once an item with that SKU is there, the next import links it to its product.

# What was proposed for a shop, what of it was approved, and what has become an item of Balance meanwhile.

TOPICS = ("operations", "balance.items")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed item. `item` is the uid of Balance's item that has its SKU now."""

    proposed: ItemProposed
    approved: ItemApproved | None = None
    item: str | None = None

    @property
    def state(self) -> Literal["in Balance", "approved", "proposed"]:
        """How far it has come."""
        return "in Balance" if self.item else "approved" if self.approved else "proposed"


def collect_proposals(shop: str, envelopes: Iterable[Envelope[Event]]) -> list[Proposal]:
    """The proposals of a shop, by SKU; the last word about a product counts."""
    said: dict[str, ItemProposed] = {}
    given: dict[str, ItemApproved] = {}
    items: dict[str, str] = {}
    for event in (envelope.data for envelope in envelopes):
        match event:
            case ItemProposed() if event.shop == shop:
                said[same_sku(event.sku)] = event
            case ItemApproved() if event.shop == shop:
                given[same_sku(event.sku)] = event
            case ItemChanged():
                items[event.item] = same_sku(event.sku)
            case ItemWithdrawn():
                items.pop(event.item, None)
    by_sku = {sku: item for item, sku in items.items() if sku}
    return [Proposal(said[sku], given.get(sku), by_sku.get(sku)) for sku in sorted(said)]


def new_proposals(
    shop: str, found: Iterable[ShopOnlyProduct], known: Sequence[Proposal], pattern: str, stamp: Mapping[str, Any]
) -> list[ItemProposed]:
    """What of the products that only the shop has is to be proposed now: with a SKU that Balance does not know, that
    the pattern takes, and not said before in the same words. `stamp`: id prefix, person and time."""
    before = {same_sku(one.proposed.sku): one.proposed for one in known}
    fresh = [one for one in found if one.why == NOT_IN_BALANCE and one.sku and first_match(one.sku, [pattern])]
    said = [_proposed(shop, one, stamp) for one in fresh]
    return [one for one in said if _words(one) != _words(before.get(same_sku(one.sku)))]


def _proposed(shop: str, one: ShopOnlyProduct, stamp: Mapping[str, Any]) -> ItemProposed:
    own = {**stamp, "command_id": f"{stamp['command_id']}-{one.product_id}"}
    price = Decimal(one.price) if one.price else None
    return ItemProposed(shop=shop, product_id=one.product_id, sku=one.sku, name=one.name, regular_price=price, **own)


def _words(one: ItemProposed | None) -> tuple[object, ...] | None:
    return None if one is None else (one.product_id, one.sku, one.name, one.regular_price)


def find_proposal(known: Sequence[Proposal], sku: str) -> Proposal:
    """The proposal with this SKU that still waits. Raises `WrongUse`, saying what to do instead."""
    found = next((one for one in known if same_sku(one.proposed.sku) == same_sku(sku)), None)
    if found is None:
        raise InvalidArgument(f"no item {sku} was proposed; davtari propose items --shop SHOP --sku '{sku}'")
    if found.item:
        raise InvalidArgument(f"Balance has item {sku} already ({found.item}): nothing is left to approve")
    return found


def column_names(dialect: Dialect) -> tuple[str, ...]:
    """The columns: the field that holds the SKU is the one of the settings."""
    return dialect.sku_field, "Name", "ItemType", "Price", "ExtCode", "approved by"


def approved_rows(found: Iterable[Proposal], dialect: Dialect) -> Iterator[tuple[str, ...]]:
    """What is approved and not in Balance yet. ExtCode is the id of the shop's product."""
    for one in found:
        if one.state == "approved" and one.approved:
            said, price = one.proposed, one.proposed.regular_price
            goods = next(iter(dialect.lists.goods), "")
            shown = "" if price is None else f"{price:f}"
            yield said.sku, said.name, goods, shown, str(said.product_id), one.approved.asked_by


def write_approved_csv(found: Iterable[Proposal], dialect: Dialect, path: Path) -> int:
    """Write the table; gives how many items stand in it. A byte order mark makes Excel read Georgian."""
    lines = [tuple(map(escape_formula, row)) for row in approved_rows(found, dialect)]
    with path.open("w", newline="", encoding="utf-8-sig") as out:
        csv.writer(out).writerows([column_names(dialect), *lines])
    return len(lines)


propose_app = typer.Typer(
    no_args_is_help=True, help="Propose products that only the shop has as items of Balance; nothing is written there."
)
Sku = Annotated[str, typer.Option(help="Only SKUs like this: TEA-*.")]
OFF = "shop {shop} proposes nothing: set shops.{shop}.catalogue.propose-items to true"


@propose_app.command(name="items")
@command
async def propose_items_command(shop: Shop = "", sku: Sku = "*", dry_run: DryRun = False, json: Json = False) -> int:
    """Propose the products that only the shop has, each once, as events for whoever keeps Balance's catalogue.

    Products without a SKU, and those whose SKU Balance knows, are left to davtari plan shop-only. Approve with
    davtari approve item SKU; davtari propose export FILE is the list to make them from in Balance.
    """
    chosen = read_settings()
    name = select_shop(chosen, shop)
    if not chosen.shops[name].catalogue.propose_items:
        errors.print(OFF.format(shop=name), soft_wrap=True)
        return WRONG_SETTINGS
    said = new_proposals(name, await _shop_only(chosen, name), await _known(chosen, name), sku, command_header())
    if not dry_run:
        await send_commands(chosen.kafka, said, datetime.now(UTC))
    print_json([one.content() for one in said]) if json else _show_new(name, said, dry_run)
    return 0


@propose_app.command(name="list")
@command
async def list_proposals_command(shop: Shop = "", json: Json = False) -> int:
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
async def export_proposals_command(file: Path, shop: Shop = "") -> int:
    """Write what is approved and not in Balance yet as CSV, for the accountant: Balance lets nobody else make items."""
    chosen = read_settings()
    count = write_approved_csv(await _known(chosen, select_shop(chosen, shop)), chosen.balance.dialect, file)
    console.print(f"{count} approved items in {file}. Once they are in Balance they are linked by their SKU.")
    return 0


@command
async def approve_item_command(sku: str, shop: Shop = "", why: ReasonOption = "") -> int:
    """Agree that a proposed product becomes an item; it goes into the list for the accountant, not into Balance."""
    chosen = read_settings()
    name = select_shop(chosen, shop)
    meant = find_proposal(await _known(chosen, name), sku).proposed
    given = ItemApproved(shop=name, product_id=meant.product_id, sku=meant.sku, why=why, **command_header())
    await send_command(chosen.kafka, given, datetime.now(UTC))
    told = f"Approved by {given.asked_by}: {meant.sku} {meant.name}. Next: davtari propose export FILE --shop {name}"
    console.print(escape(told), soft_wrap=True)
    return 0


async def _known(chosen: Settings, shop: str) -> list[Proposal]:
    return collect_proposals(shop, [envelope async for envelope in read_events(chosen.kafka, TOPICS)])


async def _shop_only(chosen: Settings, shop: str) -> list[ShopOnlyProduct]:
    envelopes = [envelope async for envelope in read_events(chosen.kafka, CATALOGUE_TOPICS)]
    linked, left_out = linked_products(shop, envelopes), list[UnreadableRecord]()
    async with open_shop(chosen, shop, utc_now) as client:
        products = skip_unreadable(client.every_product(), left_out)
        found = await find_shop_only(build_catalogue(chosen, shop, envelopes), linked, products)
    report_unreadable(left_out)
    return found


def _show_new(shop: str, said: Sequence[ItemProposed], dry_run: bool) -> None:
    for one in said:
        console.print(f"  {one.sku:<20} {one.name}", markup=False, soft_wrap=True)
    what = "would be proposed" if dry_run else "proposed"
    console.print(f"{len(said)} products of shop {shop} {what}; nothing was written to Balance.")
