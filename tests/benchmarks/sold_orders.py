"""Orders that were sold, as Kafka gives them: 200 a day, each read from the shop, with its client and its Sale."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from contracts.envelope import headers, value, wrap
from contracts.ledger import ClientRecorded
from contracts.model import Event
from services.engine.kafka.record import Record
from services.engine.state.store import chunks
from tests.support.exporting import SHOP, buyer, line, order, recorded_sale, settings

USING = settings()
FIRST_DAY = datetime(2026, 1, 1, 6, 0, tzinfo=UTC)
EACH_DAY, BATCH = 200, 500
ORDER = order(*[line(n, "20.00", sku=f"SKU-{n}", name=f"Product number {n}") for n in range(1, 5)], person=buyer())
EVENTS_OF_AN_ORDER = 3


def moment_of(number: int) -> datetime:
    """When an order was placed and paid."""
    return FIRST_DAY + timedelta(days=number // EACH_DAY, minutes=3 * (number % EACH_DAY))


def batches(count: int) -> Iterator[list[Record]]:
    """The records of so many orders: first what the shop stated, then the documents, as a rebuild reads them."""
    offset = 0
    for events in (_orders(count), _documents(count)):
        for chunk in chunks(events, BATCH):
            yield [_record(event, offset + n) for n, event in enumerate(chunk)]
            offset += len(chunk)


def _orders(count: int) -> Iterator[Event]:
    for number in range(1, count + 1):
        at = moment_of(number)
        changes = {"order_id": number, "number": str(number), "created_at": at, "paid_at": at, "modified_at": at}
        yield ORDER.model_copy(update=changes | {"person_ref": f"person-{number}"})


def _documents(count: int) -> Iterator[Event]:
    sale = recorded_sale(ORDER, USING)
    for number in range(1, count + 1):
        at = moment_of(number)
        yield ClientRecorded(
            shop=SHOP,
            order_id=number,
            person_ref=f"person-{number}",
            client=f"client-{number}",
            how="created",
            recorded_at=at,
        )
        day = f"{(at + timedelta(hours=4)).date()}"
        own = {"order_id": number, "sale": f"sale-{number}", "number": f"{number:07}", "date": day, "recorded_at": at}
        yield sale.model_copy(update=own)


def _record(event: Event, offset: int) -> Record:
    envelope = wrap(event, version=1, source="bench", time=FIRST_DAY)
    return Record(event.TOPIC, 0, offset, 0, event.key.encode(), value(envelope), [*headers(envelope)])
