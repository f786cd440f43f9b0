"""Paid orders, and their Sales in time and too late."""

from __future__ import annotations

from datetime import datetime, timedelta

from contracts.ledger import SaleRecorded
from contracts.shop import OrderChanged
from tests.outbox.sample_service import NOW
from tests.support.exporting import line, order, recorded_sale, settings

USING = settings()
SOON, LATE = timedelta(seconds=299), timedelta(seconds=301)
YESTERDAY = NOW - timedelta(days=1)


def paid(order_id: int, at: datetime = YESTERDAY, **fields: object) -> OrderChanged:
    """An order paid at this time."""
    return order(line(1, "60.00"), order_id=order_id, number=str(order_id), paid_at=at, **fields)


def sold(bought: OrderChanged, after: timedelta) -> SaleRecorded:
    """The Sale of an order, recorded so long after its payment."""
    assert bought.paid_at is not None
    return recorded_sale(bought, USING).model_copy(update={"recorded_at": bought.paid_at + after})
