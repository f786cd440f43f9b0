"""A sample service for the tests of the engine: it sends the stock of each item upstream and records what it sent.

Its event types are those of Davtari, so that headers, versions and topics are real.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from contracts.balance import StockChanged, StockRow
from contracts.catalog import AvailabilityChanged
from contracts.envelope import Envelope, headers, value, wrap
from contracts.model import Event
from services.engine.kafka.record import Record
from services.engine.outbox.decision import NOTHING, Decision, Delivery
from services.engine.outbox.handlers import Decide, Handlers
from services.engine.state.records import Kind, State

NAME = "sample-service"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LANE = "availability"
STOCK = Kind("stock", StockChanged)
AVAILABILITY = Kind("availability", AvailabilityChanged)


def stock(item: str, quantity: int = 1) -> StockChanged:
    """The fact that so many pieces of an item are in stock."""
    row = StockRow(warehouse="w1", quantity=Decimal(quantity), reserve=Decimal(0))
    return StockChanged(item=item, rows=(row,), observed_at=NOW)


def availability(item: str, quantity: int = 1) -> AvailabilityChanged:
    """The event of a successful delivery: upstream shows so many pieces."""
    return AvailabilityChanged(
        shop="main",
        item=item,
        product_id=1,
        sku=item,
        quantity=Decimal(quantity),
        explanation=(),
        mode="live",
        published_at=NOW,
    )


def availability_delivery(item: str, quantity: int = 1) -> Delivery:
    """The delivery that sets the available quantity of an item upstream."""
    return Delivery(
        id=f"availability:{item}",
        kind="availability",
        lane=LANE,
        key=item,
        payload={"item": item, "quantity": quantity},
    )


def decide(subject: str, state: State) -> Decision:
    """Want a delivery while the stock differs from what upstream is known to show."""
    in_stock, known = state.get(STOCK, subject), state.get(AVAILABILITY, subject)
    wanted = None if in_stock is None else in_stock.rows[0].quantity
    if wanted is None or (known is not None and known.quantity == wanted):
        return NOTHING
    return Decision((availability_delivery(subject, int(wanted)),))


def remember_stock(envelope: Envelope[StockChanged], state: State) -> None:
    """Store the fact and decide its item again."""
    state.put(STOCK, envelope.data.item, envelope.data)
    state.touch(envelope.data.item)


def remember_availability(envelope: Envelope[AvailabilityChanged], state: State) -> None:
    """Store the recorded quantity and decide its item again."""
    state.put(AVAILABILITY, envelope.data.item, envelope.data)
    state.touch(envelope.data.item)


def handlers(decide: Decide = decide) -> Handlers:
    """The rules of the sample service."""
    return Handlers(
        topics=("balance.stock", "stock.availability"),
        remember={StockChanged: remember_stock, AvailabilityChanged: remember_availability},
        decide=decide,
    )


def envelope(event: Event, version: int = 1) -> Envelope[Event]:
    """An event of another service, in its envelope."""
    return wrap(event, version=version, source="balance-feed", time=NOW)


def record(event: Event, version: int = 1, offset: int = 0) -> Record:
    """An event as a Kafka record."""
    return record_of(envelope(event, version), offset)


def record_of(envelope: Envelope[Event], offset: int = 0) -> Record:
    """An enveloped event as a Kafka record."""
    topic = f"davtari.{envelope.data.TOPIC}"
    return Record(topic, 0, offset, 0, envelope.data.key.encode(), value(envelope), headers(envelope))


def garbage(offset: int, *, key: bytes | None = b"k", body: bytes | None = b"\xffnot json") -> Record:
    """A record of the stock topic that cannot be decoded."""
    readable = record(stock("any"))
    return Record("davtari.balance.stock", 0, offset, 17, key, body, readable.headers)
