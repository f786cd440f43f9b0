"""Orders that changed after their Sale, and what order-exporter reports about them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from contracts.ledger import SaleDiverged
from contracts.model import Event
from contracts.shop import OrderRemoved
from services.order_exporter import handlers as order_handlers
from tests.refund_exporter.refund_bench import BOUGHT, SALE, TEA
from tests.support.exporting import KEY, ORDER, SHOP, line, settings
from tests.support.memory_state import NOON, Consumer

CANCELLED = BOUGHT.model_copy(update={"status": "cancelled"})
REMOVED = OrderRemoved(shop=SHOP, order_id=ORDER, observed_at=NOON)


def divergences(*events: Event, policy: str = "credit-and-new-sale") -> list[SaleDiverged]:
    """What order-exporter reports under this policy, one event after the other."""
    using = settings(after_sale=policy)
    service, announced = Consumer(order_handlers.handlers(using)), list[SaleDiverged]()
    service.state.now = datetime(2026, 3, 20, 8, 0, tzinfo=UTC)
    service.take(BOUGHT, SALE)
    for event in events:
        found = [one for one in service.take(event)[KEY].announce if isinstance(one, SaleDiverged)]
        service.take(*found)
        announced += found
    return announced


EDITED = BOUGHT.model_copy(
    update={
        "lines": (line(TEA, "45.00", quantity="3"), *BOUGHT.lines[1:]),
        "total": BOUGHT.total - 15,
        "total_tax": BOUGHT.total_tax - Decimal("2.29"),
    }
)
