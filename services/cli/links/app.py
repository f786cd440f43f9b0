"""`davtari links export|import|rebuild|add|remove`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from contracts.catalog import ProductLinked, ProductUnlinked
from contracts.envelope import Envelope
from contracts.linking import LinkRequested, RequestedLink
from contracts.model import Event
from services.cli.command import FAILED, Json, Patience, Shop, command, read_settings, select_shop
from services.cli.links import table, verdicts
from services.cli.links.rebuild import rebuild_links
from services.cli.links.verdicts import KnownLinks, LinkVerdict, judge_lines
from services.cli.plans.catalogue import TOPICS, build_catalogue
from services.cli.requests import NoAnswer, command_header, user_name
from services.cli.screen import console, errors, print_json
from services.connectors.upstreams import open_shop
from services.connectors.woocommerce.client import WooCommerce
from services.engine.client.commands import decoded_events, issue, open_answers
from services.engine.client.reader import read_events
from services.engine.clock import utc_now
from services.settings.model import Settings

BATCH_SIZE = 500


async def read_known_links(settings: Settings, shop: str) -> KnownLinks:
    """Read the items, links and rules of a shop from Kafka."""
    envelopes = [envelope async for envelope in read_events(settings, TOPICS)]
    links: dict[str, ProductLinked] = {}
    for event in (envelope.data for envelope in envelopes):
        match event:
            case ProductLinked() as link if link.shop == shop:
                links[link.item] = link
            case ProductUnlinked() as gone if gone.shop == shop:
                links.pop(gone.item, None)
    found = build_catalogue(settings, shop, envelopes)
    return KnownLinks(found.items, links, settings.shops[shop].catalogue.meta_key, found.rules)


async def request_links(settings: Settings, shop: str, links: Sequence[RequestedLink], patience: float) -> int:
    """Request links and wait for all. Returns their number. Raises `NoAnswer` after `patience` seconds without any."""
    async with open_answers(settings.kafka, "catalog.links") as consumer:
        for start in range(0, len(links), BATCH_SIZE):
            asked = LinkRequested(shop=shop, links=tuple(links[start : start + BATCH_SIZE]), **command_header())
            await issue(settings, asked, asked_by=user_name())
        await _watch(shop, {link.item for link in links}, aiter(decoded_events(consumer)), patience)
    return len(links)


async def _watch(shop: str, waiting: set[str], events: AsyncIterator[Envelope[Event]], patience: float) -> None:
    while waiting:
        try:
            async with asyncio.timeout(patience):
                event = (await anext(events)).data
        except TimeoutError:
            problem = f"{len(waiting)} links are not confirmed; there was no answer for {patience:g} s"
            raise NoAnswer(f"{problem}. They will be created when catalog-importer runs: davtari status") from None
        if isinstance(event, ProductLinked) and event.shop == shop:
            waiting.discard(event.item)


app = typer.Typer(no_args_is_help=True, help="Show and change which Balance item is which product.")
DryRunOrYes = Annotated[bool, typer.Option("--dry-run/--yes", help="Only show; --yes changes the links.")]
Item = Annotated[str, typer.Argument(help="The item's uid, or its SKU if no other item has it.")]
Product = Annotated[int, typer.Argument(help="The id of the product or variation in the shop.")]
Verdicts = Callable[[WooCommerce, KnownLinks], Awaitable[Sequence[LinkVerdict]]]
MOST_REFUSED = 20


@app.command(name="export")
@command
async def export_links_command(path: Path, shop: Shop = "") -> int:
    """Export all links of a shop as CSV: shop, item, SKU, product, variation, origin."""
    chosen = read_settings()
    known = await read_known_links(chosen, select_shop(chosen, shop))
    count = table.write_links(sorted(known.links.values(), key=lambda link: link.sku), path)
    console.print(f"{count} links written to {path}")
    return 0


@app.command(name="import")
@command
async def import_links_command(
    path: Path, shop: Shop = "", dry_run: DryRunOrYes = True, patience: Patience = 60.0, json: Json = False
) -> int:
    """Import links from CSV: an export of Davtari, or the columns SKU and uid. Each is checked in the shop first."""
    chosen = read_settings()
    name = select_shop(chosen, shop)
    lines = table.read_lines(path, name)

    async def found(client: WooCommerce, known: KnownLinks) -> Sequence[LinkVerdict]:
        return await judge_lines(lines, known, client)

    return await _change(chosen, name, found, dry_run=dry_run, patience=patience, json=json)


@app.command(name="rebuild")
@command
async def rebuild_links_command(
    shop: Shop = "", dry_run: DryRunOrYes = True, patience: Patience = 60.0, json: Json = False
) -> int:
    """Rebuild the links from the shop, by the uid stored with each product and by SKU, for example after Kafka is lost.

    Ambiguous products are refused and listed; all others are linked.
    """
    chosen = read_settings()
    return await _change(
        chosen, select_shop(chosen, shop), rebuild_links, dry_run=dry_run, patience=patience, json=json
    )


@app.command(name="add")
@command
async def add_link_command(
    item: Item,
    product: Product,
    shop: Shop = "",
    dry_run: DryRunOrYes = True,
    patience: Patience = 60.0,
    json: Json = False,
) -> int:
    """Link an item to a product. If the item is already linked, the product is added as a translation.

    Prices and stock are written to all products of an item, and orders of each are orders of the item.
    """
    chosen = read_settings()

    async def found(client: WooCommerce, known: KnownLinks) -> Sequence[LinkVerdict]:
        return await judge_lines([await verdicts.build_line(item, product, known, client)], known, client)

    return await _change(chosen, select_shop(chosen, shop), found, dry_run=dry_run, patience=patience, json=json)


@app.command(name="remove")
@command
async def remove_link_command(
    item: Item,
    product: Product,
    shop: Shop = "",
    dry_run: DryRunOrYes = True,
    patience: Patience = 60.0,
    json: Json = False,
) -> int:
    """Remove a translation from an item's link. Nothing is changed in the shop."""
    chosen = read_settings()

    async def found(_: WooCommerce, known: KnownLinks) -> Sequence[LinkVerdict]:
        return [verdicts.judge_removal(item, product, known)]

    return await _change(chosen, select_shop(chosen, shop), found, dry_run=dry_run, patience=patience, json=json)


async def _change(chosen: Settings, name: str, found: Verdicts, *, dry_run: bool, patience: float, json: bool) -> int:
    known = await read_known_links(chosen, name)
    async with open_shop(chosen, name, utc_now) as client:
        verdicts = await found(client, known)
    if not dry_run:
        await request_links(chosen, name, [one.link for one in verdicts if one.link], patience)
    print_json(_data(verdicts, dry_run)) if json else _show(verdicts, dry_run)
    return FAILED if any(one.refused for one in verdicts) else 0


def _data(verdicts: Sequence[LinkVerdict], dry_run: bool) -> dict[str, object]:
    linked = [one.link.model_dump(mode="json") for one in verdicts if one.link]
    refused = [
        {"line": one.line.number, "item": one.line.item, "sku": one.line.sku, "why": one.why}
        for one in verdicts
        if one.refused
    ]
    done = sum(one.done for one in verdicts)
    return {"dry_run": dry_run, "links": linked, "linked_already": done, "refused": refused}


def _show(verdicts: Sequence[LinkVerdict], dry_run: bool) -> None:
    refused = [one for one in verdicts if one.refused]
    links, done = sum(one.link is not None for one in verdicts), sum(one.done for one in verdicts)
    what = "would change (use --yes to change them)" if dry_run else "changed"
    console.print(f"{links} links {what}, {done} exist already, {len(refused)} refused.")
    for one in refused[:MOST_REFUSED]:
        at = f"line {one.line.number}: " if one.line.number else ""
        named = one.line.sku or one.line.item
        errors.print(f"  {at}{named}{': ' if named else ''}{one.why}", soft_wrap=True)
    if len(refused) > MOST_REFUSED:
        errors.print(f"  and {len(refused) - MOST_REFUSED} more; --json lists all")
