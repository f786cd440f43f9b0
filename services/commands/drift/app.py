"""`davtari drift`."""

from __future__ import annotations

from dataclasses import asdict

from contracts.catalog import AvailabilityChanged, ProductLinked, ProductUnlinked
from services.commands.codes import FAILED
from services.commands.drift.compare import Drift, drifts
from services.commands.frame import Json, Shop, chosen_shop, command, settings
from services.commands.screen import as_json, console, table
from services.shared.clock import utc_now
from services.shared.messaging.reader import read_events
from services.shared.running.upstreams import open_shop
from services.shared.settings.model import Settings
from services.shared.woocommerce.product import Product

TOPICS = ("catalog.links", "stock.availability")


@command
async def drift_command(shop: Shop = "", json: Json = False) -> int:
    """Where a shop holds something else than what was written there, and what the settings make of it.

    Only looks. Exit code 1 when anything differs that was edited. Prices never go to Balance.
    """
    chosen = settings()
    found = await compared(chosen, chosen_shop(chosen, shop))
    as_json([asdict(one) for one in found]) if json else _show(found)
    return FAILED if any(not one.by_shop for one in found) else 0


async def compared(chosen: Settings, shop: str) -> list[Drift]:
    """All drift of a shop. Reads its whole catalogue, a hundred products a call. Raises `UpstreamError`."""
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
    held: dict[int, Product] = {}
    async with open_shop(chosen, shop, utc_now) as client:
        async for product in client.every_product():
            held[product.id] = product
    rules = chosen.shops[shop]
    ordered = sorted(links.values(), key=lambda link: link.sku)
    return [one for link in ordered for one in drifts(link, held.get(link.product_id), figures.get(link.key), rules)]


def _show(found: list[Drift]) -> None:
    if not found:
        console.print("The shop holds what was written there.")
        return
    rows = [(one.sku, f"#{one.product_id}", one.field, one.ours, one.theirs, one.does) for one in found]
    console.print(table(("SKU", "product", "field", "ours", "the shop's", "what the settings do"), rows))
    kept = sum(one.kept for one in found)
    told = f" {kept} of them were edited by hand and stay so, whatever Balance says." if kept else ""
    console.print(f"{len(found)} fields differ.{told} Nothing of this goes to Balance.", soft_wrap=True)
