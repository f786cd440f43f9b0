"""What the topics know of items and links, and having links made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from contracts.catalog import ProductLinked, ProductUnlinked
from contracts.envelope import Envelope
from contracts.linking import LinkRequested, RequestedLink
from contracts.model import Event
from services.cli.links.verdict import Known
from services.cli.plans.catalogue import TOPICS, catalogue
from services.cli.requests import NoAnswer, command_header
from services.engine.client.commands import decoded_events, open_answers, send_command
from services.engine.client.reader import read_events
from services.settings.model import Settings

AT_ONCE = 500


async def known(settings: Settings, shop: str) -> Known:
    """Items, links and rules of a shop, as the topics have them now."""
    envelopes = [envelope async for envelope in read_events(settings.kafka, TOPICS)]
    links: dict[str, ProductLinked] = {}
    for event in (envelope.data for envelope in envelopes):
        match event:
            case ProductLinked() as link if link.shop == shop:
                links[link.item] = link
            case ProductUnlinked() as gone if gone.shop == shop:
                links.pop(gone.item, None)
    found = catalogue(settings, shop, envelopes)
    return Known(found.items, links, settings.shops[shop].catalogue.meta_key, found.rules)


async def ask(settings: Settings, shop: str, links: Sequence[RequestedLink], patience: float) -> int:
    """Have links made; gives how many once all are. Raises `NoAnswer` after so many seconds without any."""
    async with open_answers(settings.kafka, "catalog.links") as consumer:
        for start in range(0, len(links), AT_ONCE):
            asked = LinkRequested(shop=shop, links=tuple(links[start : start + AT_ONCE]), **command_header())
            await send_command(settings.kafka, asked, datetime.now(UTC))
        await _watch(shop, {link.item for link in links}, aiter(decoded_events(consumer)), patience)
    return len(links)


async def _watch(shop: str, waiting: set[str], events: AsyncIterator[Envelope[Event]], patience: float) -> None:
    while waiting:
        try:
            event = (await asyncio.wait_for(anext(events), patience)).data
        except TimeoutError:
            told = f"{len(waiting)} links were not seen made; nothing came for {patience:g} s"
            raise NoAnswer(f"{told}. They will be made when catalog-importer runs: davtari status") from None
        if isinstance(event, ProductLinked) and event.shop == shop:
            waiting.discard(event.item)
