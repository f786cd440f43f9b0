"""The lanes of order-exporter and what each does upstream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from services.engine.outbox.lane import Deliver, each
from services.engine.outbox.outcome import Outcome
from services.engine.outbox.row import Row
from services.order_exporter.clients.client_delivery import Clients, deliver_clients
from services.order_exporter.handlers import CLIENT_LANE, SALE_LANE
from services.order_exporter.receipts.delivery import Receipts, deliver_receipts
from services.order_exporter.receipts.handlers import RECEIPT_LANE
from services.order_exporter.sales.sale_delivery import Sales, deliver_sale, sales_of
from services.order_exporter.sales_orders.reserving import KIND
from services.order_exporter.sales_orders.sales_order_delivery import SalesOrders, deliver_sales_order, register_of
from services.settings.balance import Dialect


class Books(Clients, Sales, SalesOrders, Receipts, Protocol):
    """What order-exporter needs of a Balance."""


def deliveries(balance: Books, dialect: Dialect, clock: Callable[[], datetime]) -> Mapping[str, Deliver]:
    """The effect of each lane, by its name."""
    return {
        CLIENT_LANE: deliver_clients(balance, clock),
        SALE_LANE: _documents(balance, dialect, clock),
        RECEIPT_LANE: deliver_receipts(balance, dialect, clock),
    }


def _documents(balance: Books, dialect: Dialect, clock: Callable[[], datetime]) -> Deliver:
    """Sales and sales orders go through one lane: those of an order leave in their order."""
    sales, register = sales_of(balance, dialect), register_of(balance, dialect)

    async def one(row: Row) -> Outcome:
        if row.kind == KIND:
            return await deliver_sales_order(row, register, clock)
        return await deliver_sale(row, sales, clock)

    return each(one)
