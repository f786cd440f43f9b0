"""`davtari drift`."""

from __future__ import annotations

from dataclasses import asdict

from contracts.catalog import AvailabilityChanged, ProductLinked, ProductUnlinked
from services.cli.command import FAILED, Json, Shop, command, read_settings, select_shop
from services.cli.drift.compare import Drift, drifts
from services.cli.screen import build_table, console, print_json, report_unreadable
from services.connectors.http.unreadable import Unreadable, readable
from services.connectors.upstreams import open_shop
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.product import Product
from services.connectors.woocommerce.read import ReadError
from services.engine.kafka.reader import read_events
from services.engine.runtime.clock import utc_now
from services.settings.model import Settings

TOPICS = ("catalog.links", "stock.availability")


@command
async def drift_command(shop: Shop = "", json: Json = False) -> int:
    """Where a shop holds something else than what was written there, and what the settings make of it.

    Only looks. Exit code 1 when anything differs that was edited. Prices never go to Balance.
    """
    chosen = read_settings()
    found, left_out = await compared(chosen, select_shop(chosen, shop))
    print_json([asdict(one) for one in found]) if json else _show(found)
    report_unreadable(left_out)
    return FAILED if left_out or any(not one.by_shop for one in found) else 0


async def compared(chosen: Settings, shop: str) -> tuple[list[Drift], list[Unreadable]]:
    """All drift of a shop, and the products that could not be read.

    Reads the whole catalogue, a hundred products a call. Raises `UpstreamError`.
    """
    links: dict[str, ProductLinked] = {}
    figures: dict[str, AvailabilityChanged] = {}
    async for envelope in read_events(chosen.kafka, TOPICS):
        match envelope.data:
            case ProductLinked() as link if link.shop == shop:
                links[link.key] = link
            case ProductUnlinked() as gone if gone.shop == shop:
                links.pop(gone.key, None)
            case AvailabilityChanged() as figure if figure.shop == shop:
                figures[figure.key] = figure
    held, left_out = dict[int, Product](), list[Unreadable]()
    async with open_shop(chosen, shop, utc_now) as client:
        async for product in readable(client.every_product(), left_out):
            held[product.id] = product
        missing = [link.product_id for link in links.values() if link.product_id not in held] if left_out else []
        unread = [id_ for id_ in missing if not await _is_gone(client, id_)]
    rules = chosen.shops[shop]
    ordered = sorted((link for link in links.values() if link.product_id not in unread), key=lambda link: link.sku)
    found = [one for link in ordered for one in drifts(link, held.get(link.product_id), figures.get(link.key), rules)]
    return found, left_out


async def _is_gone(client: WooCommerce, product_id: int) -> bool:
    """Whether the shop has no such product; one that only cannot be read is no drift."""
    try:
        return await client.product(product_id) is None
    except ReadError:
        return False


def _show(found: list[Drift]) -> None:
    if not found:
        console.print("The shop holds what was written there.")
        return
    rows = [(one.sku, f"#{one.product_id}", one.field, one.ours, one.theirs, one.does) for one in found]
    console.print(build_table(("SKU", "product", "field", "ours", "the shop's", "what the settings do"), rows))
    kept = sum(one.kept for one in found)
    told = f" {kept} of them were edited by hand and stay so, whatever Balance says." if kept else ""
    console.print(f"{len(found)} fields differ.{told} Nothing of this goes to Balance.", soft_wrap=True)
