"""Orders, as WooCommerce answers them; `order.order_changed` turns one into a fact."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from datetime import datetime
from typing import Any, TypeVar

from services.shared.upstream.errors import Rejected
from services.shared.woocommerce.api import Api
from services.shared.woocommerce.changes import changes
from services.shared.woocommerce.cursor import ONE_SECOND, Cursor
from services.shared.woocommerce.pages import rows
from services.shared.woocommerce.times import gmt_text

ROUTE = "/orders"
AnswerT = TypeVar("AnswerT")


async def by_id(api: Api, order_id: int) -> dict[str, Any] | None:
    """An order's JSON; None when it was deleted for good. One in the trash has the status `trash`.

    `dp` is never asked for: only the shop's own decimals add up (order-money rule 3).
    """
    return await _or_none(api.get(f"{ROUTE}/{order_id}"))


async def of_plugin(api: Api, path: str) -> Any:
    """What a plugin's own route says of an order; None for a 404."""
    return await _or_none(api.answer(path))


async def _or_none(asked: Awaitable[AnswerT]) -> AnswerT | None:
    try:
        return await asked
    except Rejected as error:
        if error.status == 404:
            return None
        raise


async def set_status(api: Api, order_id: int, status: str) -> dict[str, Any]:
    """Gives an order a status; its JSON afterwards. API fact: an unknown status is refused with 400."""
    return await api.write("PUT", f"{ROUTE}/{order_id}", {"status": status})


async def newest(api: Api) -> int:
    """The highest order number in the list, which leaves the trash out; 0 when it is empty."""
    params: dict[str, str | int] = {"per_page": 1, "orderby": "id", "order": "desc", "_fields": "id"}
    found = [row.get("id") for row in (await api.page(ROUTE, params)).rows]
    return max((number for number in found if isinstance(number, int)), default=0)


def changed_since(api: Api, cursor: Cursor) -> AsyncIterator[dict[str, Any]]:
    """The orders modified since the cursor, oldest change first; drafts of a checkout are among them, trash is not."""
    return changes(api, ROUTE, cursor)


def placed(api: Api, begin: datetime, end: datetime) -> AsyncIterator[dict[str, Any]]:
    """The orders placed from `begin` to before `end`, by number. API fact: `after` leaves its own moment out."""
    window = {"after": gmt_text(begin - ONE_SECOND), "before": gmt_text(end), "dates_are_gmt": "true"}
    return rows(api, ROUTE, {**window, "orderby": "id", "order": "asc"})
