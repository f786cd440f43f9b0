"""What order-notifier remembers: orders, their documents, documents that wait, and what it wrote. No personal data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from contracts.delivery_ids import order_key
from contracts.envelope import Envelope
from contracts.json_text import digest_of
from contracts.ledger import CreditNoteRecorded, SalePlanned, SaleRecorded
from contracts.model import Event, Instant, Money, Part
from contracts.notices import OrderNotePlanned, OrderNoteWritten, OrderStatusPlanned, OrderStatusWritten
from contracts.operations import DeadLettered, DeadLetterSettled
from contracts.shop import OrderChanged, OrderRemoved
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State

EXPORTERS = ("order-exporter", "refund-exporter")
"""The services whose dead letters are about documents of orders."""
BASE = {"status", "currency", "total", "total_tax", "lines", "tax_rates", "refund_ids", "paid_at", "payment_method"}
"""The fields of an order that a status is decided on. Texts and dates of change are left out: WooCommerce changes an
order's date at every save."""


class NoticeOrder(Part):
    """An order as it was last read; `base` is the digest of what its status is decided on."""

    shop: str
    order_id: int
    number: str
    status: str
    base: str
    version: int
    removed: bool = False

    @property
    def key(self) -> str:
        """`shop:order`."""
        return order_key(self.shop, self.order_id)


class BookDocument(Part):
    """A document of an order. `number` is Balance's; `sale` is the Sale that a credit note belongs to."""

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


class WaitingDocument(Part):
    """A document of an order that waits for a person."""

    order: str
    about: str
    reason: str
    at: Instant


ORDER = Kind("order", NoticeOrder)
DOCUMENT = Kind("document", BookDocument)
"""By order and uid; the order is the `ref`."""
WAITING = Kind("waiting", WaitingDocument)
"""By dead letter; the order is the `ref`."""
NOTE = Kind("note", OrderNoteWritten)
NOTE_PLAN = Kind("note-plan", OrderNotePlanned)
STATUS = Kind("status", OrderStatusWritten)
STATUS_PLAN = Kind("status-plan", OrderStatusPlanned)
"""These four by the event's subject."""


def order_read_name(order: str) -> str:
    """What a status is blocked on whose order has changed since the decision: the next reading of the order."""
    return f"order-read:{order}"


def base_of(order: OrderChanged) -> str:
    """The digest of everything that a status is decided on."""
    return digest_of(order.model_dump(mode="json", include=BASE))


def order_changed(envelope: Envelope[OrderChanged], state: State) -> None:
    order = envelope.data
    known = NoticeOrder(
        shop=order.shop,
        order_id=order.order_id,
        number=order.number,
        status=order.status,
        base=base_of(order),
        version=envelope.sequence,
    )
    _put_order(known, order.key, state)


def order_removed(envelope: Envelope[OrderRemoved], state: State) -> None:
    if known := state.get(ORDER, envelope.data.key):
        removed = known.model_copy(update={"version": envelope.sequence, "removed": True})
        _put_order(removed, envelope.data.key, state)


def _put_order(known: NoticeOrder, key: str, state: State) -> None:
    state.put(ORDER, key, known)
    state.release(order_read_name(key))
    state.touch(key)


def sale_recorded(envelope: Envelope[SaleRecorded], state: State) -> None:
    sale = envelope.data
    more = {"number": sale.number, "waybill": sale.waybill, "posted": sale.posted}
    _put_document(_sale_document(sale, "sale", sale.recorded_at).model_copy(update=more), sale.key, state)


def sale_planned(envelope: Envelope[SalePlanned], state: State) -> None:
    _put_document(_sale_document(envelope.data, "plan", envelope.data.planned_at), envelope.data.key, state)


def _sale_document(event: SaleRecorded | SalePlanned, about: Literal["sale", "plan"], at: Instant) -> BookDocument:
    return BookDocument(
        about=about,
        uid=event.sale,
        sale=event.sale,
        date=event.date,
        total=event.total,
        currency=event.currency,
        at=at,
    )


def credit_note_recorded(envelope: Envelope[CreditNoteRecorded], state: State) -> None:
    note = envelope.data
    document = BookDocument(
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
    _put_document(document, note.key, state)


def _put_document(document: BookDocument, order: str, state: State) -> None:
    key = f"{order}|{document.about}|{document.uid}|{document.refund_id}"
    state.put(DOCUMENT, key, document, ref=order)
    state.touch(order)


def on_dead_lettered(envelope: Envelope[DeadLettered], state: State) -> None:
    """Remember a document that an exporter could not make; dead letters of other services are ignored."""
    dead_letter = envelope.data
    if dead_letter.service in EXPORTERS and dead_letter.delivery is not None:
        order = dead_letter.delivery.subject
        waiting = WaitingDocument(order=order, about=dead_letter.about, reason=dead_letter.reason, at=dead_letter.at)
        state.put(WAITING, dead_letter.dead_letter, waiting, ref=order)
        state.touch(order)


def on_dead_letter_settled(envelope: Envelope[DeadLetterSettled], state: State) -> None:
    """A note about it that is not written yet is withdrawn."""
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
    CreditNoteRecorded: credit_note_recorded,
    DeadLettered: on_dead_lettered,
    DeadLetterSettled: on_dead_letter_settled,
    OrderNoteWritten: note_written,
    OrderNotePlanned: note_planned,
    OrderStatusWritten: status_written,
    OrderStatusPlanned: status_planned,
}
