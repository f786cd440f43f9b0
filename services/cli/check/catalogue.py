"""What the importer would make of Balance's items in a shop: how many become products, how many are left out, and why.

Nothing whole is read of the shop: its products are counted by a header, and some SKUs are looked up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from contracts.balance import ItemChanged, ItemPrice
from contracts.reasons import Reason
from services.accounting.checks.finding import Finding
from services.catalog_importer.eligibility import Skip
from services.catalog_importer.price import prices
from services.catalog_importer.product_match import Match, Wanted, match
from services.cli.plans.catalogue import Catalogue, verdicts
from services.connectors.http.unreadable import Unreadable
from services.connectors.woocommerce.product import Product
from services.settings.balance import BalanceSettings

LOOKED_UP = 50
"""SKUs that are looked up: one call, and one more for the trash."""
SHOWN = 3
CHOSEN = frozenset(
    {
        Reason.PRODUCT_GROUP_NOT_MAPPED,
        Reason.PRODUCT_GROUP_EXCLUDED,
        Reason.PRODUCT_NOT_FOR_SALE,
        Reason.PRODUCT_SKU_NOT_ALLOWED,
    }
)
"""Reasons that the settings of the shop choose; the others are faults once they concern most of what is chosen."""


@dataclass(frozen=True, slots=True)
class Counted:
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
        return len(self.sold) + sum(count for reason, (count, _) in self.left_out.items() if reason not in CHOSEN)


def counted(
    catalogue: Catalogue, stated: Mapping[str, Sequence[ItemPrice]], balance: BalanceSettings, now: datetime
) -> Counted:
    """What would become of every item at `now`, by the importer's own rules."""
    priced = catalogue.settings.flows.prices != "off"
    sold, skips, unpriced = [], [], 0
    for uid, verdict in verdicts(catalogue.items, catalogue.rules).items():
        item = catalogue.items[uid]
        price = prices(stated.get(uid, ()), catalogue.settings.prices, balance, now) if priced else None
        if isinstance(verdict, Skip):
            skips.append((item, verdict))
        elif isinstance(price, Skip):
            skips.append((item, price))
        else:
            sold.append(item)
            unpriced += price is not None and price.regular is None
    return Counted(len(catalogue.items), tuple(sold), _by_reason(skips), unpriced)


def _by_reason(skips: Iterable[tuple[ItemChanged, Skip]]) -> dict[Reason, tuple[int, str]]:
    found = list(skips)
    count = Counter(skip.reason for _, skip in found)
    examples = {skip.reason: f"{_named(item)}: {skip.detail}" for item, skip in reversed(found)}
    return {reason: (number, examples[reason]) for reason, number in count.most_common()}


def _named(item: ItemChanged) -> str:
    return " ".join(filter(None, [item.sku, item.name])) or item.item


def findings(found: Counted, source: str) -> list[Finding]:
    """What is to be said of the count; `source` says which items were looked at."""
    left = found.total - len(found.sold)
    told = f"{len(found.sold):,} of {found.total:,} items ({source}) would become products, {left:,} are left out"
    some = bool(found.sold) or not found.meant
    first = Finding("items", some, told, "", () if some else ("catalogue",))
    return [first, *_reasons(found), *_unpriced(found)]


def _reasons(found: Counted) -> Iterator[Finding]:
    """A reason that the settings do not choose is a fault where it leaves out most of what they do choose."""
    for reason, (count, example) in found.left_out.items():
        faulty = reason not in CHOSEN and 2 * count > found.meant
        told = f"{count:,} items, such as {example}"
        flows = ("catalogue", "prices") if faulty else ()
        yield Finding(f"left out: {reason}", False if faulty else None, told, f"davtari explain {reason}", flows)


def _unpriced(found: Counted) -> Iterator[Finding]:
    if found.unpriced:
        told = f"{found.unpriced:,} of these items have no regular price: they become drafts without one"
        yield Finding("prices", None, told, "state them in Balance, or see prices.regular-type")


def _match(wanted: Wanted, held: Sequence[Product | Unreadable]) -> Match | Skip | Unreadable | None:
    """The product of an item; one that cannot be read may be it."""
    unread = next((one for one in held if isinstance(one, Unreadable)), None)
    return unread or match(wanted, [one for one in held if isinstance(one, Product)])


class Shelves(Protocol):
    """The part of a shop that is looked at."""

    async def product_count(self) -> int: ...

    async def products_by_sku(self, skus: Iterable[str]) -> Mapping[str, Sequence[Product | Unreadable]]: ...


async def in_shop(client: Shelves, sold: Sequence[ItemChanged], meta_key: str) -> list[Finding]:
    """Whether the shop has products for some of these items, and which are ambiguous. Raises `UpstreamError`."""
    there = await client.product_count()
    some = sold[:: max(1, len(sold) // LOOKED_UP)][:LOOKED_UP]
    if not some:
        return [Finding("products", True, f"{there:,} in the shop")]
    held = await client.products_by_sku([item.sku or "" for item in some])
    found = [_match(Wanted(item.item, item.sku or "", meta_key), held.get(item.sku or "", ())) for item in some]
    unclear = [one.detail for one in found if isinstance(one, Skip | Unreadable)]
    new = sum(one is None for one in found)
    told = f"{there:,} in the shop; of {len(some)} SKUs looked up {len(some) - new - len(unclear)} are there once"
    told += f", {new} would be created" if new else ""
    if not unclear:
        return [Finding("products", True, told)]
    fix = "; ".join(unclear[:SHOWN]) + (f"; and {len(unclear) - SHOWN} more" if len(unclear) > SHOWN else "")
    return [Finding("products", None, f"{told}, {len(unclear)} need a person", fix)]
