"""Stock that was edited by hand in a shop: it differs from the figure written, and no order explains it (claim S3.15).

A product whose stock management was switched off in the shop drifts too; `stock.manage` says whether it may stay off.
Once it is switched on again, the figure is written at once.

The cost is one list of the products modified since the last check, usually one page. A change counts once it is older
than `drift-grace`, which is longer than an order may stay unread before its feed is stale: by then every movement by an
order is known. Variations are in no such list (WooCommerce fact 25); `davtari drift` compares them.
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
from services.connectors.http.listing import UnreadableRecord, skip_unreadable
from services.connectors.woocommerce.changes import Cursor
from services.connectors.woocommerce.product import Product
from services.connectors.woocommerce.read import OddValue
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
"""The number of products named in one log line."""
FIRST = timedelta(days=1)
"""How far back the first check goes."""


class LastDriftCheck(Part):
    """The time up to which the changes of a shop's products were compared."""

    at: Instant


LAST_DRIFT_CHECK = Kind("drift-looked", LastDriftCheck)
"""By shop."""
DRIFT = Kind("drift", StockDrifted)
"""By shop:item: the drift announced last."""
FEED = Kind("orders-feed", FeedStateChanged)
"""By feed, `orders:<shop>`."""


class ProductChangesSource(Protocol):
    """Lists the products of a shop that were modified."""

    def product_changes(self, cursor: Cursor) -> AsyncIterator[Product | UnreadableRecord]: ...


def on_stock_drifted(envelope: Envelope[StockDrifted], state: State) -> None:
    """Drift was announced: with the policy `correct` the figure is decided, and so written, again."""
    event = envelope.data
    state.put(DRIFT, f"{event.shop}:{event.item}", event)
    state.touch(f"{event.shop}:{event.item}")


def on_feed_state_changed(envelope: Envelope[FeedStateChanged], state: State) -> None:
    """Remember whether the orders of a shop are read: otherwise their movements are unknown."""
    if envelope.data.feed.startswith("orders:"):
        state.put(FEED, envelope.data.feed, envelope.data)


def needs_correction(drift: StockDrifted | None, last: AvailabilityChanged) -> bool:
    """Return whether the figure was changed by hand since it was written, and has to be corrected."""
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
        """Check, sleep, and check again; an unavailable shop is checked next time."""
        while self._rules.drift != "off":
            try:
                if await self._shut() is None:
                    await self.once()
            except UpstreamError as error:
                log.warning("drift check failed", extra={"shop": self._name, "why": error.message})
            await asyncio.sleep(self._rules.drift_check)

    async def once(self) -> int:
        """Compare the products modified since the last check. Returns the number of drifts announced.

        Raises `UpstreamError`.
        """
        since, until = await self._window()
        if until <= since:
            return 0
        left_out: list[UnreadableRecord] = []
        products = [product async for product in skip_unreadable(self._shop.product_changes(Cursor(since)), left_out)]
        _log_left_out(self._name, [*(one.detail for one in left_out), *filter(None, map(_why_incomparable, products))])
        announced = 0
        for some in chunks([product for product in products if _is_older_than(product, until)]):
            async with self._engine.work() as work:
                drifts = await self._find_drifts(work, some)
                await work.announce([(event, None) for event in drifts])
            announced += len(drifts)
        async with self._engine.work() as work:
            work.put(LAST_DRIFT_CHECK, self._name, LastDriftCheck(at=until))
        return announced

    async def _window(self) -> tuple[datetime, datetime]:
        """The period to check; it is empty while the shop's orders are not read."""
        async with self._engine.work() as work:
            looked = (await work.get_many(LAST_DRIFT_CHECK, [self._name])).get(self._name)
            feed = (await work.get_many(FEED, [f"orders:{self._name}"])).get(f"orders:{self._name}")
        until = self._engine.clock() - self._grace
        since = looked.at if looked else until - FIRST
        return (since, since) if feed is not None and feed.freshness == "stale" else (since, until)

    async def _find_drifts(self, work: Work, products: Sequence[Product]) -> list[StockDrifted]:
        """The drifts, without those that a waiting delivery will change."""
        drifts = [
            event for events in await work.run([partial(self._drifts_of, one) for one in products]) for event in events
        ]
        waiting = await outbox.read_waiting(work.connection, [f"{event.shop}:{event.item}" for event in drifts])
        return [event for event in drifts if not waiting.get(f"{event.shop}:{event.item}")]

    def _drifts_of(self, product: Product, state: State) -> list[StockDrifted]:
        linked = state.find(LINKED, product_ref(self._name, product.id)).values()
        links = state.get_many(LINK, (f"{self._name}:{one.item}" for one in linked))
        return [event for link in links.values() if (event := self._drift(link, product, state))]

    def _drift(self, link: ProductLinked, product: Product, state: State) -> StockDrifted | None:
        """The difference that no order explains; a movement by an order causes a write of its own."""
        last = state.get(PUBLISHED, link.key)
        if last is None or last.mode != "live" or last.shop_moves != stock_moves(link, state):
            return None
        if product.id not in (last.product_id, *last.further_products) or self._rules.drift == "off":
            return None
        if (differs := self._difference(product, last)) is None:
            return None
        about = {"shop": link.shop, "item": link.item, "product_id": product.id, "sku": link.sku}
        event = StockDrifted.model_validate({**about, **differs, "ours": last.quantity, "seen_at": state.now})
        return event if _is_new(event, state.get(DRIFT, link.key), last) else None

    def _difference(self, product: Product, last: AvailabilityChanged) -> dict[str, Any] | None:
        """The shop's figure and the policy; None where the figure is as written, or the parent manages the stock."""
        if product.parent_manages_stock:
            return None
        known_off = product.id in last.not_managed
        if not product.manages_stock:
            policy = "correct" if self._rules.manage == "davtari" else "announce"
            return None if known_off else {"theirs": 0, "managed": False, "policy": policy}
        theirs = product.stock_quantity
        if theirs is None or isinstance(theirs, OddValue) or (theirs == last.quantity and not known_off):
            return None
        return {"theirs": theirs, "policy": "correct" if known_off else self._rules.drift}


def _is_older_than(product: Product, until: datetime) -> bool:
    return isinstance(product.modified_at, datetime) and product.modified_at <= until


def _why_incomparable(product: Product) -> str:
    """Why the stock of a product cannot be compared; empty if it can."""
    what = f"product {product.id} with SKU {product.sku}"
    if isinstance(product.stock_quantity, OddValue):
        return f'{what}: stock_quantity is "{product.stock_quantity}", which is not a quantity'
    if not isinstance(product.modified_at, datetime):
        return f'{what}: date_modified_gmt is "{product.modified_at or ""}", which is not a date'
    return ""


def _log_left_out(shop: str, reasons: Sequence[str]) -> None:
    """Log the products that cannot be compared, if there are any."""
    if reasons:
        log.warning("products left out", extra={"shop": shop, "count": len(reasons), "why": "; ".join(reasons[:SHOWN])})


def _is_new(event: StockDrifted, announced: StockDrifted | None, last: AvailabilityChanged) -> bool:
    """Whether this drift of the current figure was not announced yet."""
    if announced is None or announced.seen_at <= last.published_at:
        return True
    return (announced.theirs, announced.policy, announced.managed) != (event.theirs, event.policy, event.managed)
