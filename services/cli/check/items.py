"""How many of Balance's items would become products of a shop, how many are left out, and why.

The shop's catalogue is not read: its products are counted from a response header, and only some SKUs are looked up.
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
from services.accounting.catalogue.eligibility import Skip
from services.accounting.catalogue.price import compute_prices
from services.accounting.catalogue.product_match import MatchQuery, ProductMatch, match_product
from services.accounting.checks.findings import Finding
from services.accounting.mapping import collect_commands
from services.cli import shop_identity
from services.cli.plans import catalogue
from services.cli.plans.catalogue import KnownCatalogue, judge_items
from services.connectors.balance import items as item_rows
from services.connectors.balance.client import Balance
from services.connectors.balance.fields import Row, RowInvalid
from services.connectors.balance.items import Folder, build_item_fact, path_of
from services.connectors.balance.prices import read_price_row
from services.connectors.balance.stream import Rows
from services.connectors.http.listing import UnreadableRecord
from services.connectors.identity.status import IdentityStatus
from services.connectors.woocommerce.product import Product
from services.engine.client.reader import read_events
from services.settings.balance import BalanceSettings
from services.settings.model import Settings

CHECK_TOPICS = ("operations", "balance.prices", *catalogue.TOPICS)
MAX_ITEMS, MAX_PRICES = 5_000, 20_000
"""Rows read from Balance for a sample; of a larger catalogue only these are checked."""
TIME_LIMIT = 6.0
"""Seconds after which a sample ends with the rows read so far."""
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
"""Reasons that the settings of the shop choose. Any other is a problem if it leaves out most of the selected items."""


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """What the topics contain: catalogues by shop, prices by item, mapping commands and identities by shop."""

    catalogues: Mapping[str, catalogue.KnownCatalogue]
    prices: Mapping[str, Sequence[ItemPrice]] = field(default_factory=dict)
    commanded: Mapping[str, Mapping[str, GroupRule]] = field(default_factory=dict)
    identities: Mapping[str, IdentityStatus] = field(default_factory=dict)


async def read_check_facts(settings: Settings) -> CheckFacts | None:
    """Read the topics once for all checks. None if Kafka does not answer, which is a finding of its own."""
    try:
        envelopes = [envelope async for envelope in read_events(settings, CHECK_TOPICS)]
    except KafkaError:
        return None
    return facts_from_events(settings, envelopes)


def facts_from_events(settings: Settings, envelopes: Sequence[Envelope[Event]]) -> CheckFacts:
    """Build the facts from events in the order of the topics."""
    events = [envelope.data for envelope in envelopes]
    return CheckFacts(
        {name: catalogue.build_catalogue(settings, name, envelopes) for name in settings.shops},
        {event.item: event.prices for event in events if isinstance(event, PriceChanged)},
        collect_commands(envelopes),
        shop_identity.collect_identities(settings.shops, envelopes),
    )


def facts_from_items(
    settings: Settings, items: Sequence[ItemChanged], prices: Mapping[str, Sequence[ItemPrice]]
) -> CheckFacts:
    """Build the facts from items and prices read from Balance, for topics that have no items yet."""
    goods = {item.item: item for item in items if item.kind != "folder"}
    folders = {item.item: item for item in items if item.kind == "folder"}
    return CheckFacts(
        {n: catalogue.KnownCatalogue(n, shop, goods, folders) for n, shop in settings.shops.items()}, prices
    )


@dataclass(slots=True)
class BalanceSample:
    """Items and prices read from Balance. `complete` if these are all; `unreadable` describes the other records."""

    items: list[ItemChanged] = field(default_factory=list)
    prices: dict[str, Sequence[ItemPrice]] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    complete: bool = True


async def read_sample(client: Balance, settings: BalanceSettings, now: datetime) -> BalanceSample:
    """Read items and prices from Balance, limited in rows and time. Raises `UpstreamError`."""
    found = BalanceSample()
    rows, prices = await asyncio.gather(
        _read(client.items(), lambda row: item_rows.read_item(row, settings.dialect), MAX_ITEMS, found),
        _read(client.current_prices(), read_price_row, MAX_PRICES, found),
    )
    folders = {row.uid: Folder(row.name, row.group) for row in rows if row.kind == "folder"}
    found.items = [build_item_fact(row, path_of(row.group, folders), now) for row in rows if not row.deleted]
    found.prices = _group_by_item(prices)
    return found


async def _read(rows: Rows, parse: Callable[[Row], Any], limit: int, found: BalanceSample) -> list[Any]:
    records: list[Any] = []
    try:
        async with asyncio.timeout(TIME_LIMIT), aclosing(rows):
            await _collect(rows, parse, limit, records, found)
    except TimeoutError:
        found.complete = False
    return records


async def _collect(
    rows: AsyncIterator[Mapping[str, Any]],
    parse: Callable[[Row], Any],
    limit: int,
    records: list[Any],
    found: BalanceSample,
) -> None:
    async for row in rows:
        if len(records) >= limit:
            found.complete = False
            return
        try:
            records.append(parse(row))
        except RowInvalid as error:
            found.unreadable.append(error.detail)


def _group_by_item(prices: Sequence[tuple[str, ItemPrice]]) -> dict[str, Sequence[ItemPrice]]:
    found: dict[str, list[ItemPrice]] = {}
    for item, price in prices:
        found.setdefault(item, []).append(price)
    return {item: tuple(each) for item, each in found.items()}


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """The items that become products, and for each reason how many are left out, with an example.

    `unpriced`: how many become products without a price.
    """

    total: int
    sold: tuple[ItemChanged, ...]
    left_out: Mapping[Reason, tuple[int, str]]
    unpriced: int = 0

    @property
    def selected(self) -> int:
        """How many items the settings select, whether they can become products or not."""
        return len(self.sold) + sum(
            count for reason, (count, _) in self.left_out.items() if reason not in CHOSEN_BY_SETTINGS
        )


def count_items(
    catalogue: KnownCatalogue, price_lists: Mapping[str, Sequence[ItemPrice]], balance: BalanceSettings, now: datetime
) -> ItemCounts:
    """Apply the importer's own rules to every item, with the prices valid at `now`."""
    priced = catalogue.settings.flows.prices != "off"
    sold, skips, unpriced = [], [], 0
    for uid, verdict in judge_items(catalogue.items, catalogue.rules).items():
        item = catalogue.items[uid]
        price = compute_prices(price_lists.get(uid, ()), catalogue.settings.prices, balance, now) if priced else None
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
    """Findings about the counts; `source` states where the items are from."""
    left = found.total - len(found.sold)
    text = f"{len(found.sold):,} of {found.total:,} items ({source}) would become products, {left:,} are left out"
    ok = bool(found.sold) or not found.selected
    summary = Finding("items", ok, text, "", () if ok else ("catalogue",))
    return [summary, *_skipped_findings(found), *_price_findings(found)]


def _skipped_findings(found: ItemCounts) -> Iterator[Finding]:
    """A reason that the settings do not choose is a problem if it leaves out most of the selected items."""
    for reason, (count, example) in found.left_out.items():
        wrong = reason not in CHOSEN_BY_SETTINGS and 2 * count > found.selected
        text = f"{count:,} items, for example {example}"
        flows = ("catalogue", "prices") if wrong else ()
        yield Finding(f"left out: {reason}", False if wrong else None, text, f"davtari explain {reason}", flows)


def _price_findings(found: ItemCounts) -> Iterator[Finding]:
    if found.unpriced:
        text = f"{found.unpriced:,} of these items have no regular price: they become drafts without one"
        yield Finding("prices", None, text, "enter the prices in Balance, or check prices.regular-type")


def _match_product(
    wanted: MatchQuery, products: Sequence[Product | UnreadableRecord]
) -> ProductMatch | Skip | UnreadableRecord | None:
    """The product of an item; an unreadable product with its SKU comes first, because it may be that one."""
    unreadable = next((one for one in products if isinstance(one, UnreadableRecord)), None)
    return unreadable or match_product(wanted, [one for one in products if isinstance(one, Product)])


class SkuLookup(Protocol):
    """The calls to the shop that `product_findings` makes."""

    async def product_count(self) -> int: ...

    async def products_by_sku(self, skus: Iterable[str]) -> Mapping[str, Sequence[Product | UnreadableRecord]]: ...


async def product_findings(client: SkuLookup, sold: Sequence[ItemChanged], meta_key: str) -> list[Finding]:
    """Look some of the items up in the shop: which have a product, which are ambiguous. Raises `UpstreamError`."""
    total = await client.product_count()
    some = sold[:: max(1, len(sold) // SKU_SAMPLE)][:SKU_SAMPLE]
    if not some:
        return [Finding("products", True, f"{total:,} in the shop")]
    by_sku = await client.products_by_sku([item.sku or "" for item in some])
    wanted = [MatchQuery(item.item, item.sku or "", meta_key) for item in some]
    found = [_match_product(one, by_sku.get(item.sku or "", ())) for one, item in zip(wanted, some, strict=True)]
    unclear = [one.detail for one in found if isinstance(one, Skip | UnreadableRecord)]
    new = sum(one is None for one in found)
    text = f"{total:,} in the shop; of {len(some)} SKUs looked up, {len(some) - new - len(unclear)} match one product"
    text += f", {new} would be created" if new else ""
    if not unclear:
        return [Finding("products", True, text)]
    fix = "; ".join(unclear[:EXAMPLES]) + (f"; and {len(unclear) - EXAMPLES} more" if len(unclear) > EXAMPLES else "")
    return [Finding("products", None, f"{text}, {len(unclear)} are ambiguous", fix)]
