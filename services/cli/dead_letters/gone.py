"""Whether the order that a dead letter is about is still in its shop."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import replace

from services.cli.dead_letter_log import DeadLetter
from services.cli.dead_letters.routes import Route
from services.connectors.upstreams import open_shop
from services.connectors.woocommerce.client import WooCommerce
from services.engine.outbox.upstream_errors import UpstreamError
from services.engine.runtime.clock import utc_now
from services.settings import Settings

log = logging.getLogger(__name__)
TRASH = "trash"


async def without_the_gone(ways: Iterable[Route], settings: Settings) -> list[Route]:
    """The ways, where those stay whose order the shop does not hold any more.

    Each order is asked for once, and only for what would be written. A shop that does not answer holds nothing up: what
    is replayed reads before it writes.
    """
    found: list[Route] = []
    known: dict[tuple[str, int], str] = {}
    async with AsyncExitStack() as stack:
        shops = {name: await stack.enter_async_context(open_shop(settings, name, utc_now)) for name in settings.shops}
        for way in ways:
            shop, order = way.letter.shop, way.letter.order
            if way.stays or not writes(way.letter) or shop not in shops or shop is None or order is None:
                found.append(way)
                continue
            if (shop, order) not in known:
                known[shop, order] = await _gone(shops[shop], shop, order)
            found.append(_judged(way, known[shop, order]))
    return found


async def _gone(client: WooCommerce, shop: str, order: int) -> str:
    try:
        held = await client.order(order)
    except UpstreamError as error:
        log.warning("the shop cannot be asked", extra={"shop": shop, "why": error.message})
        return ""
    if held is None:
        return f"order {order} is gone: shop {shop} answers 404"
    return f"order {order} lies in the trash of shop {shop}" if held.get("status") == TRASH else ""


def _judged(way: Route, gone: str) -> Route:
    if not gone:
        return way
    give_up = f"davtari dead-letters discard {way.letter.id} --reason 'order deleted'"
    return replace(way, stays=f"{gone}. Nothing was sent. If it needs no document: {give_up}")


def writes(letter: DeadLetter) -> bool:
    """Whether a replay may write something about the order. A record is only read again, and so is an order."""
    return letter.letter.record is None and letter.letter.service != "store-feed"
