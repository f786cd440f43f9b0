"""Reading one Balance resource whole, into a scratch file: complete, or an error; never half."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

from services.balance_feed.facts import Fact, Folder, Items, Prices, Stock, prices_of
from services.balance_feed.handlers import Resource
from services.balance_feed.scratch import Scratch
from services.shared.balance.fields import reference, text
from services.shared.balance.items import is_folder
from services.shared.balance.pricing import latest_prices
from services.shared.settings.balance import Dialect

AT_ONCE = 1000
Rows = AsyncIterator[dict[str, Any]]


class Reads(Protocol):
    """What is read of Balance."""

    def items(self) -> Rows: ...
    def prices(self) -> Rows: ...
    def item_pricing(self) -> Rows: ...
    def stocks(self) -> Rows: ...
    async def warehouse_names(self) -> Mapping[str, str]: ...


async def read(balance: Reads, resource: Resource, dialect: Dialect, scratch: Scratch) -> Fact:
    """Stage all rows of a resource by item uid; gives what makes facts of them. Raises `UpstreamError`."""
    match resource:
        case "items":
            folders: dict[str, Folder] = {}
            await _stage(scratch, _noting_folders(balance.items(), folders), "uid")
            return Items(dialect, folders)
        case "prices" if dialect.item_pricing:
            await _stage(scratch, latest_prices(balance.item_pricing()), "Item")
            return Prices(prices_of)
        case "prices":
            await _stage(scratch, balance.prices(), "Item")
            return Prices(prices_of)
        case "stock":
            names = await balance.warehouse_names()
            await _stage(scratch, balance.stocks(), "Item")
            return Stock(names, {})


async def _noting_folders(rows: Rows, folders: dict[str, Folder]) -> Rows:
    async for row in rows:
        if is_folder(row):
            folders[reference(row, "uid") or ""] = Folder(text(row, "Name") or "", reference(row, "Group"))
        yield row


async def _stage(scratch: Scratch, rows: Rows, key_field: str) -> None:
    staged: list[tuple[str, dict[str, Any]]] = []
    async for row in rows:
        staged.append((reference(row, key_field) or "", row))
        if len(staged) >= AT_ONCE:
            scratch.put(staged)
            staged = []
    scratch.put(staged)
