"""A toy service for the engine's tests: what lies in stock is put on a shelf upstream, and what was put is recorded.

It uses real event types, so that everything on the way (headers, versions, topics) is the real thing.
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

NAME = "shelf-filler"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LANE = "shelf"
STOCK = Kind("stock", StockChanged)
SHELF = Kind("shelf", AvailabilityChanged)


def stock(item: str, quantity: int = 1) -> StockChanged:
    """The fact: so many pieces of an item lie in stock."""
    row = StockRow(warehouse="w1", quantity=Decimal(quantity), reserve=Decimal(0))
    return StockChanged(item=item, rows=(row,), observed_at=NOW)


def shelved(item: str, quantity: int = 1) -> AvailabilityChanged:
    """What the service announces when the effect stands: so many pieces are on the shelf."""
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


def put_on_shelf(item: str, quantity: int = 1) -> Delivery:
    """The delivery: put so many pieces of an item on the shelf."""
    return Delivery(id=f"shelf:{item}", kind="shelf", lane=LANE, key=item, payload={"item": item, "quantity": quantity})


def decide(subject: str, state: State) -> Decision:
    """Wanted as long as what lies in stock is not what is known to be on the shelf."""
    lies, stands = state.get(STOCK, subject), state.get(SHELF, subject)
    wanted = None if lies is None else lies.rows[0].quantity
    if wanted is None or (stands is not None and stands.quantity == wanted):
        return NOTHING
    return Decision((put_on_shelf(subject, int(wanted)),))


def remember_stock(envelope: Envelope[StockChanged], state: State) -> None:
    """Keep the fact and have its item decided."""
    state.put(STOCK, envelope.data.item, envelope.data)
    state.touch(envelope.data.item)


def remember_shelf(envelope: Envelope[AvailabilityChanged], state: State) -> None:
    """Keep what was recorded and have its item decided."""
    state.put(SHELF, envelope.data.item, envelope.data)
    state.touch(envelope.data.item)


def handlers(decide: Decide = decide) -> Handlers:
    """The rules of the toy."""
    return Handlers(
        topics=("balance.stock", "stock.availability"),
        remember={StockChanged: remember_stock, AvailabilityChanged: remember_shelf},
        decide=decide,
    )


def envelope(event: Event, version: int = 1) -> Envelope[Event]:
    """An event of another service, as it stands in a topic."""
    return wrap(event, version=version, source="balance-feed", time=NOW)


def record(event: Event, version: int = 1, offset: int = 0) -> Record:
    """An event as a Kafka record."""
    return of_envelope(envelope(event, version), offset)


def of_envelope(told: Envelope[Event], offset: int = 0) -> Record:
    """An enveloped event as a Kafka record."""
    topic = f"davtari.{told.data.TOPIC}"
    return Record(topic, 0, offset, 0, told.data.key.encode(), value(told), headers(told))


def garbage(offset: int, *, key: bytes | None = b"k", body: bytes | None = b"\xffnot json") -> Record:
    """A record of the stock topic that nobody can read."""
    readable = record(stock("any"))
    return Record("davtari.balance.stock", 0, offset, 17, key, body, readable.headers)
