"""Reading one Balance resource whole, into a scratch file: complete, or an error; never half."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from contracts.reasons import Reason
from services.balance_feed.discounts import NO_DISCOUNTS, Discounts
from services.balance_feed.facts import FactBuilder, Folder, ItemFacts, PriceFacts, StockFacts
from services.balance_feed.handlers import Resource
from services.balance_feed.scratch import ScratchFile, StagedRow
from services.connectors.balance.fields import deleted, reference, text
from services.connectors.balance.items import is_folder
from services.connectors.balance.pricing import latest_prices
from services.connectors.balance.rows import RowInvalid
from services.connectors.balance.series import lot
from services.engine.outbox.faults import Fault
from services.engine.outbox.upstream_errors import AccessDenied, Rejected
from services.settings.balance import Dialect

# When lots expire: an extra, without which stock is stated all the same.

SUBJECT = "stock:lots"


@dataclass(frozen=True, slots=True)
class Lots:
    """The expiry of each lot that has one, by lot uid, and what was at fault (by subject)."""

    expiry: Mapping[str, datetime]
    faults: Mapping[str, Fault]


async def read_lots(rows: AsyncIterator[dict[str, Any]]) -> Lots:
    """All lots. Where they may not be read (API fact: 403 on some builds) there is none and a fault says so.

    Raises `Unavailable`: lots that are there must not seem to have lost their expiry for an hour.
    """
    expiry: dict[str, datetime] = {}
    faults: dict[str, Fault] = {}
    try:
        async for row in rows:
            _take(row, expiry, faults)
    except (AccessDenied, Rejected) as error:
        return Lots({}, {SUBJECT: _unread(error)})
    return Lots(expiry, faults)


def _take(row: dict[str, Any], expiry: dict[str, datetime], faults: dict[str, Fault]) -> None:
    try:
        known = lot(row)
    except RowInvalid as error:
        faults[f"{SUBJECT}:{error.uid or ''}"] = Fault(reason=error.reason, detail=error.detail)
        return
    if known.valid_until is not None:
        expiry[known.uid] = known.valid_until


def _unread(error: AccessDenied | Rejected) -> Fault:
    detail = f"{error.message}. Stock is stated without expiry dates; set balance.dialect.series to false to do without"
    return Fault(reason=Reason.BALANCE_UNREADABLE, detail=detail)


AT_ONCE = 100
Row = dict[str, Any]
Rows = AsyncIterator[Row]


class BalanceReader(Protocol):
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

    fact: FactBuilder
    faults: Mapping[str, Fault] = field(default_factory=dict)


async def read_snapshot(
    balance: BalanceReader,
    resource: Resource,
    dialect: Dialect,
    scratch: ScratchFile,
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
            return Snapshot(PriceFacts(discounts), discounts.faults)
        case "stock":
            return await _stock(balance, dialect, scratch)


async def _items(balance: BalanceReader, dialect: Dialect, scratch: ScratchFile) -> ItemFacts:
    """Items and folders; what Balance has marked for deletion is not there any more."""
    folders: dict[str, Folder] = {}

    def staged(row: Row) -> StagedRow | None:
        uid, group = reference(row, "uid") or "", reference(row, "Group")
        if is_folder(row):
            folders[uid] = Folder(text(row, "Name") or "", group)
        return None if deleted(row) else StagedRow(uid, group or "", row)

    await _stage(scratch, balance.items(), staged)
    return ItemFacts(dialect, folders)


async def _stock(balance: BalanceReader, dialect: Dialect, scratch: ScratchFile) -> Snapshot:
    try:
        names = await balance.warehouse_names()
    except RowInvalid as error:
        raise Rejected(error.detail, reason=error.reason) from None
    known = await read_lots(balance.series()) if dialect.series else Lots({}, {})
    await _stage(scratch, balance.stocks(), _staged_stock)
    return Snapshot(StockFacts(names, known.expiry), known.faults)


def _staged_price(row: Row) -> StagedRow:
    item = reference(row, "Item") or ""
    return StagedRow(item, item, row)


def _staged_stock(row: Row) -> StagedRow:
    ref = f"{reference(row, 'Warehouse') or ''} {reference(row, 'Series') or ''}"
    return StagedRow(reference(row, "Item") or "", ref, row)


async def _stage(scratch: ScratchFile, rows: Rows, of: Callable[[Row], StagedRow | None]) -> None:
    waiting: list[StagedRow] = []
    async for row in rows:
        if (staged := of(row)) is not None:
            waiting.append(staged)
        if len(waiting) >= AT_ONCE:
            scratch.put(waiting)
            waiting = []
    scratch.put(waiting)
