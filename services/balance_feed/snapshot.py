"""Reading one Balance resource whole, into a scratch file: complete, or an error; never half."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from services.balance_feed.discounts import NO_DISCOUNTS, Discounts
from services.balance_feed.facts import Fact, Folder, Items, Prices, Stock
from services.balance_feed.handlers import Resource
from services.balance_feed.lots import Lots, lots
from services.balance_feed.scratch import Scratch, Staged
from services.connectors.balance.fields import deleted, reference, text
from services.connectors.balance.items import is_folder
from services.connectors.balance.pricing import latest_prices
from services.connectors.balance.rows import RowInvalid
from services.engine.outbox.faults import Fault
from services.engine.outbox.upstream_errors import Rejected
from services.settings.balance import Dialect

AT_ONCE = 100
Row = dict[str, Any]
Rows = AsyncIterator[Row]


class Reads(Protocol):
    """What is read of Balance."""

    def items(self) -> Rows: ...
    def prices(self) -> Rows: ...
    def item_pricing(self) -> Rows: ...
    def stocks(self) -> Rows: ...
    def series(self) -> Rows: ...
    def discounts(self) -> Rows: ...
    async def warehouse_names(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A resource, staged: what makes facts of its rows, and what was at fault beside them (by subject)."""

    fact: Fact
    faults: Mapping[str, Fault] = field(default_factory=dict)


async def read(
    balance: Reads,
    resource: Resource,
    dialect: Dialect,
    scratch: Scratch,
    now: datetime,
    discounts: Discounts = NO_DISCOUNTS,
) -> Snapshot:
    """Stage all rows of a resource by item uid; `discounts` belong to the prices.

    Raises `UpstreamError`; then nothing of it may be used.
    """
    match resource:
        case "items":
            return Snapshot(await _items(balance, dialect, scratch))
        case "prices":
            rows = latest_prices(balance.item_pricing(), until=now) if dialect.item_pricing else balance.prices()
            await _stage(scratch, rows, _staged_price)
            return Snapshot(Prices(discounts), discounts.faults)
        case "stock":
            return await _stock(balance, dialect, scratch)


async def _items(balance: Reads, dialect: Dialect, scratch: Scratch) -> Items:
    """Items and folders; what Balance has marked for deletion is not there any more."""
    folders: dict[str, Folder] = {}

    def staged(row: Row) -> Staged | None:
        uid, group = reference(row, "uid") or "", reference(row, "Group")
        if is_folder(row):
            folders[uid] = Folder(text(row, "Name") or "", group)
        return None if deleted(row) else Staged(uid, group or "", row)

    await _stage(scratch, balance.items(), staged)
    return Items(dialect, folders)


async def _stock(balance: Reads, dialect: Dialect, scratch: Scratch) -> Snapshot:
    try:
        names = await balance.warehouse_names()
    except RowInvalid as error:
        raise Rejected(error.detail, reason=error.reason) from None
    known = await lots(balance.series()) if dialect.series else Lots({}, {})
    await _stage(scratch, balance.stocks(), _staged_stock)
    return Snapshot(Stock(names, known.expiry), known.faults)


def _staged_price(row: Row) -> Staged:
    item = reference(row, "Item") or ""
    return Staged(item, item, row)


def _staged_stock(row: Row) -> Staged:
    ref = f"{reference(row, 'Warehouse') or ''} {reference(row, 'Series') or ''}"
    return Staged(reference(row, "Item") or "", ref, row)


async def _stage(scratch: Scratch, rows: Rows, of: Callable[[Row], Staged | None]) -> None:
    waiting: list[Staged] = []
    async for row in rows:
        if (staged := of(row)) is not None:
            waiting.append(staged)
        if len(waiting) >= AT_ONCE:
            scratch.put(waiting)
            waiting = []
    scratch.put(waiting)
