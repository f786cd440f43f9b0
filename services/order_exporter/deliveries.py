"""The lanes of order-exporter and what each does upstream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from services.order_exporter.client_delivery import Clients, deliver_clients
from services.order_exporter.handlers import CLIENT_LANE, SALE_LANE
from services.order_exporter.receipts.delivery import Receipts, deliver_receipts
from services.order_exporter.receipts.handlers import RECEIPT_LANE
from services.order_exporter.sale_delivery import Sales, deliver_sales
from services.shared.delivery.lane import Deliver
from services.shared.settings.balance import Dialect


class Books(Clients, Sales, Receipts, Protocol):
    """What order-exporter needs of a Balance."""


def deliveries(balance: Books, dialect: Dialect, clock: Callable[[], datetime]) -> Mapping[str, Deliver]:
    """The effect of each lane, by its name."""
    return {
        CLIENT_LANE: deliver_clients(balance, clock),
        SALE_LANE: deliver_sales(balance, dialect, clock),
        RECEIPT_LANE: deliver_receipts(balance, dialect, clock),
    }
