"""`davtari propose items|list|export` and `davtari approve item`.

Davtari cannot create items in Balance (Balance fact 43), so approved items are exported for the accountant. The next
import links a new item to its product by SKU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from contracts.balance import ItemChanged, ItemWithdrawn
from contracts.envelope import Envelope
from contracts.model import Event
from contracts.proposals import ItemApproved, ItemProposed
from services.accounting.catalogue.eligibility import first_match, same_sku
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
from services.cli.csv_file import write_csv
from services.cli.plans.catalogue import TOPICS as CATALOGUE_TOPICS
from services.cli.plans.catalogue import build_catalogue
from services.cli.plans.shop_only import NOT_IN_BALANCE, ShopOnlyProduct, find_shop_only, linked_products
from services.cli.requests import command_header, user_name
from services.cli.screen import build_table, console, errors, print_json, report_unreadable
from services.connectors.http.listing import UnreadableRecord, skip_unreadable
from services.connectors.upstreams import open_shop
from services.engine.client.commands import issue
from services.engine.client.reader import read_events
from services.engine.clock import utc_now
from services.settings.balance import Dialect
from services.settings.model import Settings

TOPICS = ("commands", "operations", "balance.items")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed item. `item` is the uid of the item in Balance that now has its SKU."""

    proposed: ItemProposed
    approved: ItemApproved | None = None
    item: str | None = None

    @property
    def state(self) -> Literal["in Balance", "approved", "proposed"]:
        """Its progress."""
        return "in Balance" if self.item else "approved" if self.approved else "proposed"


def collect_proposals(shop: str, envelopes: Iterable[Envelope[Event]]) -> list[Proposal]:
    """Collect the proposals of a shop by SKU; the last event of each SKU counts."""
    proposed: dict[str, ItemProposed] = {}
    given: dict[str, ItemApproved] = {}
    items: dict[str, str] = {}
    for event in (envelope.data for envelope in envelopes):
        match event:
            case ItemProposed() if event.shop == shop:
                proposed[same_sku(event.sku)] = event
            case ItemApproved() if event.shop == shop:
                given[same_sku(event.sku)] = event
            case ItemChanged():
                items[event.item] = same_sku(event.sku)
            case ItemWithdrawn():
                items.pop(event.item, None)
    by_sku = {sku: item for item, sku in items.items() if sku}
    return [Proposal(proposed[sku], given.get(sku), by_sku.get(sku)) for sku in sorted(proposed)]


def new_proposals(
    shop: str, found: Iterable[ShopOnlyProduct], known: Sequence[Proposal], pattern: str, stamp: Mapping[str, Any]
) -> list[ItemProposed]:
    """Propose products that only the shop has: with a SKU that matches the pattern and is not in Balance, if new or
    changed since the last proposal. `stamp`: command id, person and time."""
    before = {same_sku(one.proposed.sku): one.proposed for one in known}
    fresh = [one for one in found if one.why == NOT_IN_BALANCE and one.sku and first_match(one.sku, [pattern])]
    proposed = [_proposed(shop, one, stamp) for one in fresh]
    return [one for one in proposed if _words(one) != _words(before.get(same_sku(one.sku)))]


def _proposed(shop: str, one: ShopOnlyProduct, stamp: Mapping[str, Any]) -> ItemProposed:
    own = {**stamp, "command_id": f"{stamp['command_id']}-{one.product_id}"}
    price = Decimal(one.price) if one.price else None
    return ItemProposed(shop=shop, product_id=one.product_id, sku=one.sku, name=one.name, regular_price=price, **own)


def _words(one: ItemProposed | None) -> tuple[object, ...] | None:
    return None if one is None else (one.product_id, one.sku, one.name, one.regular_price)


def find_proposal(known: Sequence[Proposal], sku: str) -> Proposal:
    """Find the open proposal with this SKU. Raises `InvalidArgument` if there is none."""
    found = next((one for one in known if same_sku(one.proposed.sku) == same_sku(sku)), None)
    if found is None:
        raise InvalidArgument(f"No item {sku} was proposed. Run davtari propose items --sku '{sku}'")
    if found.item:
        raise InvalidArgument(f"Balance already has item {sku} ({found.item}); there is nothing to approve")
    return found


def column_names(dialect: Dialect) -> tuple[str, ...]:
    """The column names; the SKU field is that of the settings."""
    return dialect.sku_field, "Name", "ItemType", "Price", "ExtCode", "approved by"


def approved_rows(found: Iterable[Proposal], dialect: Dialect) -> Iterator[tuple[str | int | Decimal, ...]]:
    """The approved items that are not in Balance yet. ExtCode is the product id of the shop."""
    for one in found:
        if one.state == "approved" and one.approved:
            proposed, price = one.proposed, one.proposed.regular_price
            goods = next(iter(dialect.lists.goods), "")
            shown = "" if price is None else price
            yield proposed.sku, proposed.name, goods, shown, proposed.product_id, one.approved.asked_by


def write_approved_csv(found: Iterable[Proposal], dialect: Dialect, path: Path) -> int:
    """Write the approved items as CSV. Returns their number."""
    return write_csv(path, column_names(dialect), approved_rows(found, dialect))


propose_app = typer.Typer(
    no_args_is_help=True,
    help="Propose products that only the shop has as items for Balance. Nothing is written to Balance.",
)
Sku = Annotated[str, typer.Option(help="Only SKUs that match a pattern such as TEA-*.")]
OFF = "Proposals are off for shop {shop}: set shops.{shop}.catalogue.propose-items to true"


@propose_app.command(name="items")
@command
async def propose_items_command(shop: Shop = "", sku: Sku = "*", dry_run: DryRun = False, json: Json = False) -> int:
    """Propose the products that only the shop has, once each, as events.

    Products without a SKU, or with a SKU that Balance has, are not proposed: see davtari plan shop-only.
    Next steps: davtari approve item SKU, then davtari propose export FILE for the accountant.
    """
    chosen = read_settings()
    name = select_shop(chosen, shop)
    if not chosen.shops[name].catalogue.propose_items:
        errors.print(OFF.format(shop=name), soft_wrap=True)
        return WRONG_SETTINGS
    proposed = new_proposals(name, await _shop_only(chosen, name), await _known(chosen, name), sku, command_header())
    if not dry_run:
        await issue(chosen, *proposed, asked_by=user_name())
    print_json([one.content() for one in proposed]) if json else _show_new(name, proposed, dry_run)
    return 0


@propose_app.command(name="list")
@command
async def list_proposals_command(shop: Shop = "", json: Json = False) -> int:
    """List the proposed items of a shop and whether they are approved or already in Balance."""
    chosen = read_settings()
    found = await _known(chosen, select_shop(chosen, shop))
    if json:
        print_json([one.proposed.content() | {"state": one.state, "item": one.item} for one in found])
        return 0
    rows = [(one.proposed.sku, one.proposed.name, one.state, one.proposed.asked_by) for one in found]
    console.print(build_table(("SKU", "name", "state", "proposed by"), rows) if rows else "No items were proposed.")
    return 0


@propose_app.command(name="export")
@command
async def export_proposals_command(file: Path, shop: Shop = "") -> int:
    """Export approved items that are not in Balance yet as CSV for the accountant."""
    chosen = read_settings()
    count = write_approved_csv(await _known(chosen, select_shop(chosen, shop)), chosen.balance.dialect, file)
    console.print(f"{count} approved items written to {file}. Once they are in Balance, they are linked by SKU.")
    return 0


@command
async def approve_item_command(sku: str, shop: Shop = "", why: ReasonOption = "") -> int:
    """Approve a proposed item for the accountant's list. Nothing is written to Balance."""
    chosen = read_settings()
    name = select_shop(chosen, shop)
    meant = find_proposal(await _known(chosen, name), sku).proposed
    given = ItemApproved(shop=name, product_id=meant.product_id, sku=meant.sku, why=why, **command_header())
    await issue(chosen, given, asked_by=user_name())
    message = f"Approved by {given.asked_by}: {meant.sku} {meant.name}. Next: davtari propose export FILE --shop {name}"
    console.print(message, soft_wrap=True)
    return 0


async def _known(chosen: Settings, shop: str) -> list[Proposal]:
    return collect_proposals(shop, [envelope async for envelope in read_events(chosen, TOPICS)])


async def _shop_only(chosen: Settings, shop: str) -> list[ShopOnlyProduct]:
    envelopes = [envelope async for envelope in read_events(chosen, CATALOGUE_TOPICS)]
    linked, left_out = linked_products(shop, envelopes), list[UnreadableRecord]()
    async with open_shop(chosen, shop, utc_now) as client:
        products = skip_unreadable(client.every_product(), left_out)
        found = await find_shop_only(build_catalogue(chosen, shop, envelopes), linked, products)
    report_unreadable(left_out)
    return found


def _show_new(shop: str, proposed: Sequence[ItemProposed], dry_run: bool) -> None:
    for one in proposed:
        console.print(f"  {one.sku:<20} {one.name}", soft_wrap=True)
    what = "would be proposed" if dry_run else "proposed"
    console.print(f"{len(proposed)} products of shop {shop} {what}; nothing was written to Balance.")
