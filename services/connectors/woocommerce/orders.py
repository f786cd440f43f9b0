"""Orders, as WooCommerce answers them; `order.order_changed` turns one into a fact."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from services.connectors.woocommerce import php
from services.connectors.woocommerce.api import Api
from services.connectors.woocommerce.changes import changes
from services.connectors.woocommerce.cursor import Cursor
from services.connectors.woocommerce.order_summary import FIELDS
from services.connectors.woocommerce.pages import PER_PAGE, Skip, log_skipped, rows
from services.connectors.woocommerce.times import gmt_text
from services.engine.outbox.upstream_errors import NotFound

ROUTE = "/orders"
IDENTITY_FIELDS = "id,status,date_created_gmt,total,order_key"
"""What tells one order from another."""
PIECES_FIELDS = (
    "id,number,parent_id,created_via,status,line_items,refunds,"
    "date_created_gmt,date_modified_gmt,date_paid_gmt,date_completed_gmt"
)
AnswerT = TypeVar("AnswerT")


async def by_id(api: Api, order_id: int, *, fresh: bool = False, dp: int | None = None) -> dict[str, Any] | None:
    """An order's JSON; None when WooCommerce says that there is none. One in the trash has the status `trash`.

    `fresh` bypasses caches. `dp` asks for so many decimals: never for amounts, since only the shop's own decimals add
    up (order-money rule 3).
    """
    params = {} if dp is None else {"dp": dp}
    return await _or_none(api.get(f"{ROUTE}/{order_id}", fresh=fresh, **params))


async def listed(api: Api, order_id: int) -> dict[str, Any] | None:
    """An order's JSON as the order list shows it, past caches; None when it is not in the list, as in the trash."""
    page = await api.page(ROUTE, {"include": order_id, "per_page": 1}, fresh=True)
    return next((row for row in page.rows if isinstance(row, dict) and php.whole(row.get("id")) == order_id), None)


async def cache_marks(api: Api, order_id: int) -> str:
    """What the answer to a read of this order says of caches on its way; empty when it says nothing."""
    return await api.cache_marks(f"{ROUTE}/{order_id}")


async def of_plugin(api: Api, path: str) -> Any:
    """What a plugin's own route says of an order; None where it states that there is nothing."""
    return await _or_none(api.answer(path))


async def _or_none(asked: Awaitable[AnswerT]) -> AnswerT | None:
    try:
        return await asked
    except NotFound:
        return None


async def set_status(api: Api, order_id: int, status: str) -> dict[str, Any]:
    """Gives an order a status; its JSON afterwards. API fact: an unknown status is refused with 400."""
    return await api.write("PUT", f"{ROUTE}/{order_id}", {"status": status})


async def newest(api: Api, count: int) -> list[dict[str, Any]]:
    """The orders of the highest numbers that are not in the trash, highest first, drafts among them; 100 at most."""
    params: dict[str, str | int] = {"per_page": count, "orderby": "id", "order": "desc", "_fields": IDENTITY_FIELDS}
    return php.records((await api.page(ROUTE, params)).rows)


async def by_ids(api: Api, ids: Iterable[int]) -> list[dict[str, Any]]:
    """Those of these orders that the shop holds, also in the trash; 100 at most."""
    included: dict[str, str | int] = {"include": ",".join(map(str, sorted(ids))), "per_page": PER_PAGE}
    listed = (await api.page(ROUTE, {**included, "_fields": IDENTITY_FIELDS})).rows
    trashed = (await api.page(ROUTE, {**included, "status": "trash", "_fields": IDENTITY_FIELDS})).rows
    return php.records([*listed, *trashed])


def changed_since(api: Api, cursor: Cursor, skip: Skip = log_skipped) -> AsyncIterator[dict[str, Any]]:
    """The orders modified since the cursor, oldest change first; drafts of a checkout are among them, trash is not."""
    return changes(api, ROUTE, cursor, skip=skip)


def pieces_changed_since(api: Api, cursor: Cursor, skip: Skip = log_skipped) -> AsyncIterator[dict[str, Any]]:
    """The same with the fields alone that tell which pieces an order takes off the stock."""
    return changes(api, ROUTE, cursor, skip=skip, _fields=PIECES_FIELDS)


async def last_change(api: Api) -> datetime | None:
    """When the order was modified that was modified last, by the shop's clock; None where there is no order."""
    params: dict[str, str | int] = {"per_page": 1, "orderby": "modified", "order": "desc"}
    rows_ = (await api.page(ROUTE, {**params, "_fields": "id,date_modified_gmt"})).rows
    return next((when for row in php.records(rows_) if (when := php.moment(row.get("date_modified_gmt")))), None)


def concerning(api: Api, begin: datetime, end: datetime, skip: Skip = log_skipped) -> AsyncIterator[dict[str, Any]]:
    """Summaries of all orders that may have been placed, paid, completed or refunded from `begin` to before `end`.

    These are the orders placed before `end` and modified since `begin`: each of those acts modifies the order. The
    window stays small for a day long past, too. Trash is not listed; caches are bypassed.
    """
    since = Cursor(begin, overlap=timedelta())
    return changes(api, ROUTE, since, skip=skip, before=gmt_text(end), _fields=FIELDS)


def summaries(api: Api, ids: Sequence[int], skip: Skip = log_skipped) -> AsyncIterator[dict[str, Any]]:
    """Summaries of these orders, a hundred at most. API fact: unknown ids and those in the trash are left out."""
    included = {"include": ",".join(map(str, ids)), "orderby": "id", "order": "asc", "_fields": FIELDS}
    return rows(api, ROUTE, included, fresh=True, skip=skip)
