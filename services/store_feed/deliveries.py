"""Looking at orders: read the order and its refunds, and state what they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from contracts.model import Event
from contracts.shop import OrderChanged, OrderRemoved
from services.shared.delivery.failure import outcome_of
from services.shared.delivery.outcome import Done, Outcome, Refused
from services.shared.delivery.row import Row
from services.shared.documents.digest import digest_of
from services.shared.settings.orders import OrderSettings
from services.shared.upstream.errors import Rejected, UpstreamError
from services.shared.woocommerce.order import order_changed
from services.shared.woocommerce.read import ReadError
from services.shared.woocommerce.refund import refund_issued
from services.store_feed.hints import LOOKED, Looked

Order = dict[str, Any]
Refunds = Sequence[Mapping[str, Any]]
NOT_PLACED = frozenset({"checkout-draft", "auto-draft"})
"""The buyer is still in the checkout (API fact): no order yet."""
NOT_FOUND = 404


class ReadsOrders(Protocol):
    """What is read of a shop."""

    async def order(self, order_id: int) -> dict[str, Any] | None: ...
    async def refunds(self, order_id: int) -> list[dict[str, Any]]: ...


class Looks:
    """Reads orders of one shop."""

    def __init__(self, shop: ReadsOrders, settings: OrderSettings, clock: Callable[[], datetime]) -> None:
        self._shop, self._clock = shop, clock
        self._keys = {"personal_id_keys": settings.personal_id_keys, "company_id_keys": settings.company_id_keys}
        self._references = settings.payment_reference_keys

    async def deliver(self, rows: Sequence[Row]) -> Sequence[Outcome]:
        """One outcome for each order, in order."""
        return await asyncio.gather(*[self._look(row) for row in rows])

    async def _look(self, row: Row) -> Outcome:
        try:
            order, refunds = await self._read(row.payload["order"])
            return self._done(row, order, refunds)
        except ReadError as error:
            return Refused(error.reason, error.message)
        except UpstreamError as error:
            return outcome_of(error)

    async def _read(self, order_id: int) -> tuple[Order | None, Refunds]:
        """An order and its refunds; (None, []) when it is gone, also when it goes between the two reads."""
        order = await self._shop.order(order_id)
        if order is None or not order.get("refunds"):
            return order, []
        try:
            return order, await self._shop.refunds(order_id)
        except Rejected as error:
            if error.status == NOT_FOUND:
                return None, []
            raise

    def _done(self, row: Row, order: Order | None, refunds: Refunds) -> Done:
        shop, order_id, served = row.payload["shop"], row.payload["order"], row.payload["asked"]
        if order is not None and str(order.get("status")) in NOT_PLACED:
            return Done(keep=((LOOKED, row.key, Looked(served=served)),))
        if order is None or order.get("status") == "trash":
            gone = OrderRemoved(shop=shop, order_id=order_id, observed_at=self._clock())
            return Done((gone,), keep=((LOOKED, row.key, Looked(served=served)),))
        return self._stated(row, shop, order, refunds)

    def _stated(self, row: Row, shop: str, order: Order, refunds: Refunds) -> Done:
        fact: OrderChanged = order_changed(shop, order, **self._keys, payment_reference_keys=self._references)
        given_back: list[Event] = [refund_issued(shop, order, refund, **self._keys) for refund in refunds]
        looked = Looked(served=row.payload["asked"], digest=digest_of(order))
        return Done((fact, *given_back), keep=((LOOKED, row.key, looked),))
