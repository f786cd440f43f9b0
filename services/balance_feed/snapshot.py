"""Reading one Balance resource into a scratch file: completely, or with an error."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from contracts.reasons import Reason
from services.balance_feed.discounts import NO_DISCOUNTS, Discounts
from services.balance_feed.facts import FactBuilder, ItemFacts, PriceFacts, StockFacts
from services.balance_feed.handlers import Resource
from services.balance_feed.scratch import ScratchFile, StagedRow
from services.connectors.balance.fields import RowInvalid, deleted, reference, text
from services.connectors.balance.items import Folder, is_folder
from services.connectors.balance.prices import select_latest_prices
from services.connectors.balance.stocks import read_lot
from services.engine.outbox.faults import Fault
from services.engine.outbox.upstream_errors import AccessDenied, Rejected
from services.settings.balance import Dialect

SUBJECT = "stock:lots"


@dataclass(frozen=True, slots=True)
class Lots:
    """The expiry of each lot that has one, by lot uid, and faults by subject. Stock is published without them too."""

    expiry: Mapping[str, datetime]
    faults: Mapping[str, Fault]


async def read_lots(rows: AsyncIterator[dict[str, Any]]) -> Lots:
    """Read all lots. Where they cannot be read (Balance fact 33), the result is empty and has a fault.

    Raises `Unavailable`: known lots must not lose their expiry during an outage.
    """
    expiry: dict[str, datetime] = {}
    faults: dict[str, Fault] = {}
    try:
        async for row in rows:
            _add_lot(row, expiry, faults)
    except (AccessDenied, Rejected) as error:
        return Lots({}, {SUBJECT: _unreadable_lots(error)})
    return Lots(expiry, faults)


def _add_lot(row: dict[str, Any], expiry: dict[str, datetime], faults: dict[str, Fault]) -> None:
    try:
        known = read_lot(row)
    except RowInvalid as error:
        faults[f"{SUBJECT}:{error.uid or ''}"] = Fault(reason=error.reason, detail=error.detail)
        return
    if known.valid_until is not None:
        expiry[known.uid] = known.valid_until


def _unreadable_lots(error: AccessDenied | Rejected) -> Fault:
    detail = (
        f"{error.message}. Stock is published without expiry dates. If they are not needed, set balance.dialect.series "
        "to false"
    )
    return Fault(reason=Reason.BALANCE_UNREADABLE, detail=detail)


AT_ONCE = 100
Row = dict[str, Any]
Rows = AsyncIterator[Row]


class BalanceReader(Protocol):
    """The Balance resources that are imported."""

    def items(self) -> Rows: ...
    def prices(self) -> Rows: ...
    def item_pricing(self) -> Rows: ...
    def stocks(self) -> Rows: ...
    def series(self) -> Rows: ...
    def discounts(self) -> Rows: ...
    async def warehouse_names(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A resource in the scratch file: the builder of its facts, and faults apart from its rows (by subject)."""

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
    """Read all rows of a resource into the scratch file, by item uid; `discounts` apply to prices only.

    Raises `UpstreamError`; then the snapshot must not be used.
    """
    match resource:
        case "items":
            return Snapshot(await _items(balance, dialect, scratch))
        case "prices":
            rows = select_latest_prices(balance.item_pricing(), until=now) if dialect.item_pricing else balance.prices()
            await _stage(scratch, rows, _stage_price)
            return Snapshot(PriceFacts(discounts), discounts.faults)
        case "stock":
            return await _stock(balance, dialect, scratch)


async def _items(balance: BalanceReader, dialect: Dialect, scratch: ScratchFile) -> ItemFacts:
    """Items and folders; a row that Balance has marked for deletion counts as missing."""
    folders: dict[str, Folder] = {}

    def stage_item(row: Row) -> StagedRow | None:
        uid, group = reference(row, "uid") or "", reference(row, "Group")
        if is_folder(row):
            folders[uid] = Folder(text(row, "Name") or "", group)
        return None if deleted(row) else StagedRow(uid, group or "", row)

    await _stage(scratch, balance.items(), stage_item)
    return ItemFacts(dialect, folders)


async def _stock(balance: BalanceReader, dialect: Dialect, scratch: ScratchFile) -> Snapshot:
    try:
        names = await balance.warehouse_names()
    except RowInvalid as error:
        raise Rejected(error.detail, reason=error.reason) from None
    known = await read_lots(balance.series()) if dialect.series else Lots({}, {})
    await _stage(scratch, balance.stocks(), _stage_stock)
    return Snapshot(StockFacts(names, known.expiry), known.faults)


def _stage_price(row: Row) -> StagedRow:
    item = reference(row, "Item") or ""
    return StagedRow(item, item, row)


def _stage_stock(row: Row) -> StagedRow:
    ref = f"{reference(row, 'Warehouse') or ''} {reference(row, 'Series') or ''}"
    return StagedRow(reference(row, "Item") or "", ref, row)


async def _stage(scratch: ScratchFile, rows: Rows, stage_row: Callable[[Row], StagedRow | None]) -> None:
    batch: list[StagedRow] = []
    async for row in rows:
        if (staged := stage_row(row)) is not None:
            batch.append(staged)
        if len(batch) >= AT_ONCE:
            scratch.put(batch)
            batch = []
    scratch.put(batch)
