"""What is remembered about payments, besides orders and Sales."""

from __future__ import annotations

from collections.abc import Mapping

from contracts.delivery_ids import order_key, refund_key, sale_id
from contracts.envelope import Envelope
from contracts.ledger import CreditNoteRecorded, PaymentPlanned, PaymentRecorded, SalePlanned, SaleRecorded, is_reversal
from contracts.model import Event
from contracts.operations import PaymentReceived
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State

ENTERED = Kind("payment-entered", PaymentReceived)
"""By command; the reference is the order."""
RECEIPT = Kind("receipt", PaymentRecorded)
RECEIPT_PLAN = Kind("receipt-plan", PaymentPlanned)
CREDITED = Kind("credited", CreditNoteRecorded)
"""Credit notes that belong to a refund, by order and refund; the reference is the order."""


def payment_key(event: PaymentRecorded | PaymentPlanned) -> str:
    """The key of everything about one payment."""
    return f"{event.key}:{event.payment}"


def payment_entered(envelope: Envelope[PaymentReceived], state: State) -> None:
    command = envelope.data
    order = order_key(command.shop, command.order_id)
    state.put(ENTERED, command.command_id, command, ref=order)
    state.touch(order)


def payment_recorded(envelope: Envelope[PaymentRecorded], state: State) -> None:
    state.put(RECEIPT, payment_key(envelope.data), envelope.data, ref=envelope.data.key)
    state.touch(envelope.data.key)


def payment_planned(envelope: Envelope[PaymentPlanned], state: State) -> None:
    state.put(RECEIPT_PLAN, payment_key(envelope.data), envelope.data, ref=envelope.data.key)


def sale_recorded(envelope: Envelope[SaleRecorded], state: State) -> None:
    state.release(sale_id(envelope.data.key))


def sale_planned(envelope: Envelope[SalePlanned], state: State) -> None:
    state.touch(envelope.data.key)


def refund_credited(envelope: Envelope[CreditNoteRecorded], state: State) -> None:
    note = envelope.data
    if not is_reversal(note.refund_id):
        state.put(CREDITED, refund_key(note.key, note.refund_id), note, ref=note.key)
        state.touch(note.key)


REMEMBER: Mapping[type[Event], Remember] = {
    PaymentReceived: payment_entered,
    PaymentRecorded: payment_recorded,
    PaymentPlanned: payment_planned,
    SaleRecorded: sale_recorded,
    SalePlanned: sale_planned,
    CreditNoteRecorded: refund_credited,
}
