"""Stock that was edited by hand in a shop: it differs from what was written, and no order explains it (claim S3.15).

So does a product whose people have switched stock management off, which `stock.manage` lets stand or not; when they
switch it on again, our figure is written at once.

What it costs: one list of the products modified since the last look, a page in the usual case. A change counts once it
is older than `drift-grace`, which is longer than an order may stay unread before its feed is called stale: by then
whatever an order has moved is known. Variations stand in no such list (API fact); `davtari drift` compares them too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from contracts.alerts import FeedStateChanged
from contracts.catalog import AvailabilityChanged, ProductLinked
from contracts.drift import StockDrifted
from contracts.envelope import Envelope
from contracts.model import Instant, Part
from services.connectors.http.unreadable import Unreadable, readable
from services.connectors.woocommerce.cursor import Cursor
from services.connectors.woocommerce.product import Product
from services.connectors.woocommerce.read import Odd
from services.engine.outbox import outbox
from services.engine.outbox.engine import Engine
from services.engine.outbox.outcome import Retry
from services.engine.outbox.upstream_errors import UpstreamError
from services.engine.outbox.work import Work
from services.engine.state.records import Kind, State
from services.engine.state.store import chunks
from services.settings.stock import StockSettings
from services.stock_publisher.claims import LINKED, product_ref, stock_moves
from services.stock_publisher.records import LINK, PUBLISHED

log = logging.getLogger(__name__)
SHOWN = 5
"""Products that are named in one line of the log."""
FIRST = timedelta(days=1)
"""How far back the first look goes."""


class LastDriftCheck(Part):
    """Up to when the changes of a shop's products were compared."""

    at: Instant


LAST_DRIFT_CHECK = Kind("drift-looked", LastDriftCheck)
"""By shop."""
DRIFT = Kind("drift", StockDrifted)
"""By shop:item: what was said last."""
FEED = Kind("orders-feed", FeedStateChanged)
"""By feed, `orders:<shop>`."""


class ProductChangesSource(Protocol):
    """What is read of a shop."""

    def product_changes(self, cursor: Cursor) -> AsyncIterator[Product | Unreadable]: ...


def on_stock_drifted(envelope: Envelope[StockDrifted], state: State) -> None:
    """Our own word: under `correct` the figure is decided, and so written, again."""
    event = envelope.data
    state.put(DRIFT, f"{event.shop}:{event.item}", event)
    state.touch(f"{event.shop}:{event.item}")


def on_feed_state_changed(envelope: Envelope[FeedStateChanged], state: State) -> None:
    """While the orders of a shop are not read, nobody knows what they have moved."""
    if envelope.data.feed.startswith("orders:"):
        state.put(FEED, envelope.data.feed, envelope.data)


def needs_correction(drift: StockDrifted | None, last: AvailabilityChanged) -> bool:
    """Whether the figure was changed by hand since it was written, and is to be put right."""
    return drift is not None and drift.policy == "correct" and drift.seen_at > last.published_at


class DriftWatch:
    """Looks for drift in one shop until cancelled."""

    def __init__(
        self,
        engine: Engine,
        name: str,
        shop: ProductChangesSource,
        rules: StockSettings,
        shut: Callable[[], Awaitable[Retry | None]],
    ) -> None:
        self._engine, self._name, self._shop, self._rules, self._shut = engine, name, shop, rules, shut
        self._grace = timedelta(seconds=rules.drift_grace)

    async def run(self) -> None:
        """Look, rest, look again; an unavailable shop is tried again at the next turn."""
        while self._rules.drift != "off":
            try:
                if await self._shut() is None:
                    await self.once()
            except UpstreamError as error:
                log.warning("drift is not looked for", extra={"shop": self._name, "why": error.message})
            await asyncio.sleep(self._rules.drift_check)

    async def once(self) -> int:
        """Compare what was modified since the last look; gives how much drift was said. Raises `UpstreamError`."""
        since, until = await self._window()
        if until <= since:
            return 0
        left_out: list[Unreadable] = []
        products = readable(self._shop.product_changes(Cursor(since)), left_out)
        seen = [product async for product in products]
        _tell(self._name, [*(one.detail for one in left_out), *filter(None, map(_odd, seen))])
        changed = [product for product in seen if _settled(product, until)]
        said = 0
        for some in chunks(changed):
            async with self._engine.work() as work:
                found = await self._found(work, some)
                await work.announce([(event, None) for event in found])
            said += len(found)
        async with self._engine.work() as work:
            work.put(LAST_DRIFT_CHECK, self._name, LastDriftCheck(at=until))
        return said

    async def _window(self) -> tuple[datetime, datetime]:
        """From where to where; an empty window while the shop's orders are not read."""
        async with self._engine.work() as work:
            looked = (await work.get_many(LAST_DRIFT_CHECK, [self._name])).get(self._name)
            feed = (await work.get_many(FEED, [f"orders:{self._name}"])).get(f"orders:{self._name}")
        until = self._engine.clock() - self._grace
        since = looked.at if looked else until - FIRST
        return (since, since) if feed is not None and feed.freshness == "stale" else (since, until)

    async def _found(self, work: Work, products: Sequence[Product]) -> list[StockDrifted]:
        """What differs, without what a delivery is about to change."""
        found = [
            event for events in await work.run([partial(self._drifts, one) for one in products]) for event in events
        ]
        waiting = await outbox.read_waiting(work.connection, [f"{event.shop}:{event.item}" for event in found])
        return [event for event in found if not waiting.get(f"{event.shop}:{event.item}")]

    def _drifts(self, product: Product, state: State) -> list[StockDrifted]:
        linked = state.find(LINKED, product_ref(self._name, product.id)).values()
        links = state.get_many(LINK, (f"{self._name}:{one.item}" for one in linked))
        return [event for link in links.values() if (event := self._drift(link, product, state))]

    def _drift(self, link: ProductLinked, product: Product, state: State) -> StockDrifted | None:
        """The difference that no order explains; a movement by an order is answered by a write of its own."""
        last = state.get(PUBLISHED, link.key)
        if last is None or last.mode != "live" or last.shop_moves != stock_moves(link, state):
            return None
        if product.id not in (last.product_id, *last.further_products) or self._rules.drift == "off":
            return None
        if (differs := self._difference(product, last)) is None:
            return None
        named = {"shop": link.shop, "item": link.item, "product_id": product.id, "sku": link.sku}
        event = StockDrifted.model_validate({**named, **differs, "ours": last.quantity, "seen_at": state.now})
        return event if _news(event, state.get(DRIFT, link.key), last) else None

    def _difference(self, product: Product, last: AvailabilityChanged) -> dict[str, Any] | None:
        """The shop's figure and what becomes of it; None where it is as written, or a parent keeps the stock."""
        if product.parent_manages_stock:
            return None
        known_off = product.id in last.not_managed
        if not product.manages_stock:
            policy = "correct" if self._rules.manage == "davtari" else "announce"
            return None if known_off else {"theirs": 0, "managed": False, "policy": policy}
        theirs = product.stock_quantity
        if theirs is None or isinstance(theirs, Odd) or (theirs == last.quantity and not known_off):
            return None
        return {"theirs": theirs, "policy": "correct" if known_off else self._rules.drift}


def _settled(product: Product, until: datetime) -> bool:
    return isinstance(product.modified_at, datetime) and product.modified_at <= until


def _odd(product: Product) -> str:
    """Why the stock of a product cannot be compared; empty when it can."""
    what = f"product {product.id} with SKU {product.sku}"
    if isinstance(product.stock_quantity, Odd):
        return f'{what}: its stock is "{product.stock_quantity}", which is not a quantity'
    if not isinstance(product.modified_at, datetime):
        return f'{what}: date_modified_gmt is "{product.modified_at or ""}", which is not a date'
    return ""


def _tell(shop: str, odd: Sequence[str]) -> None:
    """Log the products that could not be compared, if there are any."""
    if odd:
        log.warning("products left out", extra={"shop": shop, "count": len(odd), "why": "; ".join(odd[:SHOWN])})


def _news(event: StockDrifted, said: StockDrifted | None, last: AvailabilityChanged) -> bool:
    """Not so what was said already of this figure."""
    if said is None or said.seen_at <= last.published_at:
        return True
    return (said.theirs, said.policy, said.managed) != (event.theirs, event.policy, event.managed)
