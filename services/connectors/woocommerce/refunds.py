"""Refunds of an order, as WooCommerce answers them; `refund.refund_issued` turns one into a fact."""

from __future__ import annotations

from typing import Any

from services.connectors.woocommerce import php
from services.connectors.woocommerce.api import Api
from services.connectors.woocommerce.pages import Skip, log_skipped, rows


async def of_order(
    api: Api, order_id: int, *, fresh: bool = False, dp: int | None = None, skip: Skip = log_skipped
) -> list[dict[str, Any]]:
    """Every refund of an order with its lines, oldest first; `fresh` bypasses caches, `dp` asks for decimals.

    A refund that the shop cannot answer is told to `skip`: the order names it all the same.

    A refund that was deleted is not there any more and nothing else tells so (reference section 7).
    Raises `NotFound` when WooCommerce says that there is no such order.
    """
    params = {"orderby": "id", "order": "asc"} | ({} if dp is None else {"dp": dp})
    found = [row async for row in rows(api, f"/orders/{order_id}/refunds", params, fresh=fresh, skip=skip)]
    return sorted(found, key=lambda refund: php.id_of(refund) or 0)
