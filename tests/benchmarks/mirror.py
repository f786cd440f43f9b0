"""The smallest consumer that has everything a real one has: what it costs is what the engine costs.

It remembers each item's stock, wants one delivery per item until its own event confirms the figure upstream,
and remembers that event.
"""

from __future__ import annotations

from contracts.balance import StockChanged
from contracts.catalog import AvailabilityChanged
from contracts.envelope import Envelope
from services.engine.outbox.decision import NOTHING, Decision, Delivery
from services.engine.outbox.handlers import Handlers
from services.engine.outbox.lane import Row
from services.engine.state.records import Kind, State
from tests.benchmarks.given import NOW

LANE = "mirror"
STOCK = Kind("stock", StockChanged)
PUBLISHED = Kind("published", AvailabilityChanged)


def handlers() -> Handlers:
    """The rules of the mirror."""
    return Handlers(
        topics=("balance.stock", "stock.availability"),
        remember={StockChanged: _stock_changed, AvailabilityChanged: _availability_changed},
        decide=_decide,
    )


def _stock_changed(envelope: Envelope[StockChanged], state: State) -> None:
    state.put(STOCK, envelope.data.item, envelope.data)
    state.touch(envelope.data.item)


def _availability_changed(envelope: Envelope[AvailabilityChanged], state: State) -> None:
    state.put(PUBLISHED, envelope.data.item, envelope.data)


def _decide(subject: str, state: State) -> Decision:
    stock, published = state.get(STOCK, subject), state.get(PUBLISHED, subject)
    if stock is None or (published is not None and published.stock_seen_at == stock.observed_at):
        return NOTHING
    payload = {"item": subject, "quantity": str(stock.rows[0].quantity), "seen_at": stock.observed_at.isoformat()}
    return Decision((Delivery(f"mirror:{subject}", "mirror", LANE, subject, payload),))


def published(row: Row) -> AvailabilityChanged:
    """The event that confirms a delivery upstream."""
    return AvailabilityChanged(
        shop="main",
        item=row.key,
        product_id=1,
        sku="SKU",
        quantity=row.payload["quantity"],
        explanation=(),
        mode="live",
        stock_seen_at=row.payload["seen_at"],
        published_at=NOW,
    )
