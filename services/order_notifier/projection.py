"""What order-notifier remembers: orders, their documents and what waits, and what it wrote. No personal data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from contracts.envelope import Envelope
from contracts.ledger import CreditNoteRecorded, SalePlanned, SaleRecorded
from contracts.model import Event, Instant, Money, Part
from contracts.notices import OrderNotePlanned, OrderNoteWritten, OrderStatusPlanned, OrderStatusWritten
from contracts.operations import DeadLettered, DeadLetterSettled
from contracts.shop import OrderChanged, OrderRemoved
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State
from services.order_notifier.status import base_of

EXPORTERS = ("order-exporter", "refund-exporter")


class KnownOrder(Part):
    """An order as it was last read: what its status is decided on. `removed` when the shop holds it no more."""

    shop: str
    order_id: int
    number: str
    status: str
    base: str
    version: int
    removed: bool = False


class Document(Part):
    """A document of an order. `number` is Balance's, `sale` the Sale that a credit note belongs to."""

    about: Literal["sale", "credit-note", "plan"]
    uid: str
    sale: str
    refund_id: int | None = None
    number: str | None = None
    waybill: str | None = None
    date: str
    total: Money
    currency: str
    posted: bool = True
    at: Instant


class Waiting(Part):
    """A document of an order that a person has to see to."""

    order: str
    about: str
    reason: str
    at: Instant


ORDER = Kind("order", KnownOrder)
DOCUMENT = Kind("document", Document)
"""By order and uid; the order is the `ref`."""
WAITING = Kind("waiting", Waiting)
"""By dead letter; the order is the `ref`."""
NOTE = Kind("note", OrderNoteWritten)
NOTE_PLAN = Kind("note-plan", OrderNotePlanned)
STATUS = Kind("status", OrderStatusWritten)
STATUS_PLAN = Kind("status-plan", OrderStatusPlanned)
"""These four by the event's subject."""


def awaited(order: str) -> str:
    """What a status waits for whose order is not any more what it was decided on: that it is read again."""
    return f"order-read:{order}"


def order_changed(envelope: Envelope[OrderChanged], state: State) -> None:
    order = envelope.data
    known = KnownOrder(
        shop=order.shop,
        order_id=order.order_id,
        number=order.number,
        status=order.status,
        base=base_of(order),
        version=envelope.sequence,
    )
    _keep(known, order.key, state)


def order_removed(envelope: Envelope[OrderRemoved], state: State) -> None:
    if known := state.get(ORDER, envelope.data.key):
        gone = known.model_copy(update={"version": envelope.sequence, "removed": True})
        _keep(gone, envelope.data.key, state)


def _keep(known: KnownOrder, key: str, state: State) -> None:
    state.put(ORDER, key, known)
    state.release(awaited(key))
    state.touch(key)


def sale_recorded(envelope: Envelope[SaleRecorded], state: State) -> None:
    sale = envelope.data
    document = _of_sale(sale, "sale", sale.recorded_at, sale.number, sale.waybill)
    _document(document.model_copy(update={"posted": sale.posted}), sale.key, state)


def sale_planned(envelope: Envelope[SalePlanned], state: State) -> None:
    _document(_of_sale(envelope.data, "plan", envelope.data.planned_at), envelope.data.key, state)


def _of_sale(
    event: SaleRecorded | SalePlanned,
    about: Literal["sale", "plan"],
    at: Instant,
    number: str | None = None,
    waybill: str | None = None,
) -> Document:
    return Document(
        about=about,
        uid=event.sale,
        sale=event.sale,
        number=number,
        waybill=waybill,
        date=event.date,
        total=event.total,
        currency=event.currency,
        at=at,
    )


def note_recorded(envelope: Envelope[CreditNoteRecorded], state: State) -> None:
    note = envelope.data
    document = Document(
        about="credit-note",
        uid=note.credit_note,
        sale=note.sale,
        refund_id=note.refund_id,
        number=note.number,
        date=note.date,
        total=note.total,
        currency=note.currency,
        at=note.recorded_at,
    )
    _document(document, note.key, state)


def _document(document: Document, order: str, state: State) -> None:
    key = f"{order}|{document.about}|{document.uid}|{document.refund_id}"
    state.put(DOCUMENT, key, document, ref=order)
    state.touch(order)


def lettered(envelope: Envelope[DeadLettered], state: State) -> None:
    """A document that the exporters could not make; letters of other services are not about the order's books."""
    letter = envelope.data
    if letter.service in EXPORTERS and letter.delivery is not None:
        order = letter.delivery.subject
        waiting = Waiting(order=order, about=letter.about, reason=letter.reason, at=letter.at)
        state.put(WAITING, letter.dead_letter, waiting, ref=order)
        state.touch(order)


def settled(envelope: Envelope[DeadLetterSettled], state: State) -> None:
    """A note on it that is not written yet is taken back."""
    if waiting := state.get(WAITING, envelope.data.dead_letter):
        state.drop(WAITING, envelope.data.dead_letter)
        state.touch(waiting.order)


def note_written(envelope: Envelope[OrderNoteWritten], state: State) -> None:
    state.put(NOTE, envelope.subject, envelope.data)
    state.touch(envelope.data.key)


def note_planned(envelope: Envelope[OrderNotePlanned], state: State) -> None:
    state.put(NOTE_PLAN, envelope.subject, envelope.data)


def status_written(envelope: Envelope[OrderStatusWritten], state: State) -> None:
    state.put(STATUS, envelope.subject, envelope.data)
    state.touch(envelope.data.key)


def status_planned(envelope: Envelope[OrderStatusPlanned], state: State) -> None:
    state.put(STATUS_PLAN, envelope.subject, envelope.data)


REMEMBER: Mapping[type[Event], Remember] = {
    OrderChanged: order_changed,
    OrderRemoved: order_removed,
    SaleRecorded: sale_recorded,
    SalePlanned: sale_planned,
    CreditNoteRecorded: note_recorded,
    DeadLettered: lettered,
    DeadLetterSettled: settled,
    OrderNoteWritten: note_written,
    OrderNotePlanned: note_planned,
    OrderStatusWritten: status_written,
    OrderStatusPlanned: status_planned,
}
