"""What the importer would make of Balance's items in a shop: how many become products, how many are left out, and why.

Nothing whole is read of the shop: its products are counted by a header, and some SKUs are looked up.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from aiokafka.errors import KafkaError

from contracts.balance import ItemChanged, ItemPrice, PriceChanged
from contracts.catalog import GroupRule
from contracts.envelope import Envelope
from contracts.model import Event
from contracts.reasons import Reason
from services.accounting.checks.finding import Finding
from services.accounting.mapping.reading import commanded
from services.balance_feed.facts import Folder, item_changed, path_of
from services.catalog_importer.eligibility import Skip
from services.catalog_importer.price import prices
from services.catalog_importer.product_match import Match, Wanted, match
from services.cli import shop_identity
from services.cli.plans import catalogue
from services.cli.plans.catalogue import KnownCatalogue, judge_items
from services.connectors.balance import items as item_rows
from services.connectors.balance.client import Balance
from services.connectors.balance.prices import price_row
from services.connectors.balance.rows import Row, RowInvalid
from services.connectors.balance.stream import Rows
from services.connectors.http.unreadable import Unreadable
from services.connectors.identity.standing import Standing
from services.connectors.woocommerce.product import Product
from services.engine.client.reader import read_events
from services.settings.balance import BalanceSettings
from services.settings.model import Settings

# What the topics know before anything is asked of Balance or a shop: read once, for every part of the check.

CHECK_TOPICS = ("operations", "balance.prices", *catalogue.TOPICS)


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """Items with their groups, prices by item, commands about groups and identities by shop."""

    catalogues: Mapping[str, catalogue.KnownCatalogue]
    prices: Mapping[str, Sequence[ItemPrice]] = field(default_factory=dict)
    commanded: Mapping[str, Mapping[str, GroupRule]] = field(default_factory=dict)
    identities: Mapping[str, Standing] = field(default_factory=dict)


async def read_check_facts(settings: Settings) -> CheckFacts | None:
    """What the topics say; None while Kafka cannot tell, which is a finding of its own."""
    try:
        envelopes = [envelope async for envelope in read_events(settings.kafka, CHECK_TOPICS)]
    except KafkaError:
        return None
    return facts_from_events(settings, envelopes)


def facts_from_events(settings: Settings, envelopes: Sequence[Envelope[Event]]) -> CheckFacts:
    """The same, from events in their order."""
    events = [envelope.data for envelope in envelopes]
    return CheckFacts(
        {name: catalogue.build_catalogue(settings, name, envelopes) for name in settings.shops},
        {event.item: event.prices for event in events if isinstance(event, PriceChanged)},
        commanded(envelopes),
        shop_identity.collect_identities(settings.shops, envelopes),
    )


def facts_from_items(
    settings: Settings, items: Sequence[ItemChanged], prices: Mapping[str, Sequence[ItemPrice]]
) -> CheckFacts:
    """The same from what Balance itself has just shown, where the topics hold no item yet."""
    goods = {item.item: item for item in items if item.kind != "folder"}
    folders = {item.item: item for item in items if item.kind == "folder"}
    return CheckFacts(
        {n: catalogue.KnownCatalogue(n, shop, goods, folders) for n, shop in settings.shops.items()}, prices
    )


# Items and prices straight from Balance, for a check before any service has run. Bounded in rows and in time.

MAX_ITEMS, MAX_PRICES = 5_000, 20_000
"""Rows that are looked at; a larger catalogue is judged by these."""
TIME_LIMIT = 6.0
"""Seconds after which what was read so far is judged."""


@dataclass(slots=True)
class BalanceSample:
    """What Balance showed. `whole` if that is all; `unreadable` are records that cannot be read."""

    items: list[ItemChanged] = field(default_factory=list)
    prices: dict[str, Sequence[ItemPrice]] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    whole: bool = True


async def read_sample(client: Balance, settings: BalanceSettings, now: datetime) -> BalanceSample:
    """Read items and prices at once. Raises `UpstreamError`."""
    found = BalanceSample()
    rows, prices = await asyncio.gather(
        _read(client.items(), lambda row: item_rows.item(row, settings.dialect), MAX_ITEMS, found),
        _read(client.current_prices(), price_row, MAX_PRICES, found),
    )
    folders = {row.uid: Folder(row.name, row.group) for row in rows if row.kind == "folder"}
    found.items = [item_changed(row, path_of(row.group, folders), now) for row in rows if not row.deleted]
    found.prices = _group_by_item(prices)
    return found


async def _read(rows: Rows, read: Callable[[Row], Any], most: int, found: BalanceSample) -> list[Any]:
    records: list[Any] = []
    try:
        async with asyncio.timeout(TIME_LIMIT), aclosing(rows):
            await _take(rows, read, most, records, found)
    except TimeoutError:
        found.whole = False
    return records


async def _take(
    rows: AsyncIterator[Mapping[str, Any]],
    read: Callable[[Row], Any],
    most: int,
    records: list[Any],
    found: BalanceSample,
) -> None:
    async for row in rows:
        if len(records) >= most:
            found.whole = False
            return
        try:
            records.append(read(row))
        except RowInvalid as error:
            found.unreadable.append(error.detail)


def _group_by_item(prices: Sequence[tuple[str, ItemPrice]]) -> dict[str, Sequence[ItemPrice]]:
    found: dict[str, list[ItemPrice]] = {}
    for item, price in prices:
        found.setdefault(item, []).append(price)
    return {item: tuple(each) for item, each in found.items()}


SKU_SAMPLE = 50
"""SKUs that are looked up: one call, and one more for the trash."""
EXAMPLES = 3
CHOSEN_BY_SETTINGS = frozenset(
    {
        Reason.PRODUCT_GROUP_NOT_MAPPED,
        Reason.PRODUCT_GROUP_EXCLUDED,
        Reason.PRODUCT_NOT_FOR_SALE,
        Reason.PRODUCT_SKU_NOT_ALLOWED,
    }
)
"""Reasons that the settings of the shop choose; the others are faults once they concern most of what is chosen."""


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """Items of Balance in a shop: what becomes a product under which SKU, what is left out by reason, with an example.

    `unpriced`: those that become products without a price.
    """

    total: int
    sold: tuple[ItemChanged, ...]
    left_out: Mapping[Reason, tuple[int, str]]
    unpriced: int = 0

    @property
    def meant(self) -> int:
        """How many the settings choose, whether they can be products or not."""
        return len(self.sold) + sum(
            count for reason, (count, _) in self.left_out.items() if reason not in CHOSEN_BY_SETTINGS
        )


def count_items(
    catalogue: KnownCatalogue, stated: Mapping[str, Sequence[ItemPrice]], balance: BalanceSettings, now: datetime
) -> ItemCounts:
    """What would become of every item at `now`, by the importer's own rules."""
    priced = catalogue.settings.flows.prices != "off"
    sold, skips, unpriced = [], [], 0
    for uid, verdict in judge_items(catalogue.items, catalogue.rules).items():
        item = catalogue.items[uid]
        price = prices(stated.get(uid, ()), catalogue.settings.prices, balance, now) if priced else None
        if isinstance(verdict, Skip):
            skips.append((item, verdict))
        elif isinstance(price, Skip):
            skips.append((item, price))
        else:
            sold.append(item)
            unpriced += price is not None and price.regular is None
    return ItemCounts(len(catalogue.items), tuple(sold), _count_by_reason(skips), unpriced)


def _count_by_reason(skips: Iterable[tuple[ItemChanged, Skip]]) -> dict[Reason, tuple[int, str]]:
    found = list(skips)
    count = Counter(skip.reason for _, skip in found)
    examples = {skip.reason: f"{_describe_item(item)}: {skip.detail}" for item, skip in reversed(found)}
    return {reason: (number, examples[reason]) for reason, number in count.most_common()}


def _describe_item(item: ItemChanged) -> str:
    return " ".join(filter(None, [item.sku, item.name])) or item.item


def item_findings(found: ItemCounts, source: str) -> list[Finding]:
    """What is to be said of the count; `source` says which items were looked at."""
    left = found.total - len(found.sold)
    told = f"{len(found.sold):,} of {found.total:,} items ({source}) would become products, {left:,} are left out"
    some = bool(found.sold) or not found.meant
    first = Finding("items", some, told, "", () if some else ("catalogue",))
    return [first, *_skipped_findings(found), *_price_findings(found)]


def _skipped_findings(found: ItemCounts) -> Iterator[Finding]:
    """A reason that the settings do not choose is a fault where it leaves out most of what they do choose."""
    for reason, (count, example) in found.left_out.items():
        faulty = reason not in CHOSEN_BY_SETTINGS and 2 * count > found.meant
        told = f"{count:,} items, such as {example}"
        flows = ("catalogue", "prices") if faulty else ()
        yield Finding(f"left out: {reason}", False if faulty else None, told, f"davtari explain {reason}", flows)


def _price_findings(found: ItemCounts) -> Iterator[Finding]:
    if found.unpriced:
        told = f"{found.unpriced:,} of these items have no regular price: they become drafts without one"
        yield Finding("prices", None, told, "state them in Balance, or see prices.regular-type")


def _match_product(wanted: Wanted, held: Sequence[Product | Unreadable]) -> Match | Skip | Unreadable | None:
    """The product of an item; one that cannot be read may be it."""
    unread = next((one for one in held if isinstance(one, Unreadable)), None)
    return unread or match(wanted, [one for one in held if isinstance(one, Product)])


class ProductLookup(Protocol):
    """The part of a shop that is looked at."""

    async def product_count(self) -> int: ...

    async def products_by_sku(self, skus: Iterable[str]) -> Mapping[str, Sequence[Product | Unreadable]]: ...


async def product_findings(client: ProductLookup, sold: Sequence[ItemChanged], meta_key: str) -> list[Finding]:
    """Whether the shop has products for some of these items, and which are ambiguous. Raises `UpstreamError`."""
    there = await client.product_count()
    some = sold[:: max(1, len(sold) // SKU_SAMPLE)][:SKU_SAMPLE]
    if not some:
        return [Finding("products", True, f"{there:,} in the shop")]
    held = await client.products_by_sku([item.sku or "" for item in some])
    found = [_match_product(Wanted(item.item, item.sku or "", meta_key), held.get(item.sku or "", ())) for item in some]
    unclear = [one.detail for one in found if isinstance(one, Skip | Unreadable)]
    new = sum(one is None for one in found)
    told = f"{there:,} in the shop; of {len(some)} SKUs looked up {len(some) - new - len(unclear)} are there once"
    told += f", {new} would be created" if new else ""
    if not unclear:
        return [Finding("products", True, told)]
    fix = "; ".join(unclear[:EXAMPLES]) + (f"; and {len(unclear) - EXAMPLES} more" if len(unclear) > EXAMPLES else "")
    return [Finding("products", None, f"{told}, {len(unclear)} need a person", fix)]
