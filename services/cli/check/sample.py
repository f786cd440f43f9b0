"""Items and prices straight from Balance, for a check before any service has run. Bounded in rows and in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contracts.balance import ItemChanged, ItemPrice
from services.balance_feed.facts import Folder, item_changed, path_of
from services.connectors.balance import items as item_rows
from services.connectors.balance.client import Balance
from services.connectors.balance.prices import price_row
from services.connectors.balance.rows import Row, RowInvalid
from services.connectors.balance.stream import Rows
from services.settings.balance import BalanceSettings

MOST_ITEMS, MOST_PRICES = 5_000, 20_000
"""Rows that are looked at; a larger catalogue is judged by these."""
LONGEST = 6.0
"""Seconds after which what was read so far is judged."""


@dataclass(slots=True)
class Sample:
    """What Balance showed. `whole` if that is all; `unreadable` are records that cannot be read."""

    items: list[ItemChanged] = field(default_factory=list)
    prices: dict[str, Sequence[ItemPrice]] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    whole: bool = True


async def sample(client: Balance, settings: BalanceSettings, now: datetime) -> Sample:
    """Read items and prices at once. Raises `UpstreamError`."""
    found = Sample()
    rows, prices = await asyncio.gather(
        _read(client.items(), lambda row: item_rows.item(row, settings.dialect), MOST_ITEMS, found),
        _read(client.current_prices(), price_row, MOST_PRICES, found),
    )
    folders = {row.uid: Folder(row.name, row.group) for row in rows if row.kind == "folder"}
    found.items = [item_changed(row, path_of(row.group, folders), now) for row in rows if not row.deleted]
    found.prices = _by_item(prices)
    return found


async def _read(rows: Rows, read: Callable[[Row], Any], most: int, found: Sample) -> list[Any]:
    records: list[Any] = []
    try:
        async with asyncio.timeout(LONGEST), aclosing(rows):
            await _take(rows, read, most, records, found)
    except TimeoutError:
        found.whole = False
    return records


async def _take(
    rows: AsyncIterator[Mapping[str, Any]], read: Callable[[Row], Any], most: int, records: list[Any], found: Sample
) -> None:
    async for row in rows:
        if len(records) >= most:
            found.whole = False
            return
        try:
            records.append(read(row))
        except RowInvalid as error:
            found.unreadable.append(error.detail)


def _by_item(prices: Sequence[tuple[str, ItemPrice]]) -> dict[str, Sequence[ItemPrice]]:
    found: dict[str, list[ItemPrice]] = {}
    for item, price in prices:
        found.setdefault(item, []).append(price)
    return {item: tuple(each) for item, each in found.items()}
