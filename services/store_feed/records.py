"""What store-feed remembers of orders and refunds, apart from hints and looks."""

from __future__ import annotations

from contracts.model import Instant, Part
from contracts.shop import OrderChanged, OrderUnreadable, RefundIssued, RefundUnreadable
from services.engine.state.records import Kind

NAME = "store-feed"


class Swept(Part):
    """How far the sweep of a shop has come."""

    modified_at: Instant


ORDER = Kind("order", OrderChanged)
"""By order (`shop:order`), as it was stated last; the reference is the account that it names."""
REFUND = Kind("refund", RefundIssued)
"""By refund (`shop:order:refund`); the reference is the order."""
ORDER_DOUBT = Kind("order-doubt", OrderUnreadable)
"""By order, while the shop's answer about it is not taken; the reference is the shop."""
REFUND_DOUBT = Kind("refund-doubt", RefundUnreadable)
"""By refund, the same; the reference is the order."""
SWEPT = Kind("swept", Swept)
