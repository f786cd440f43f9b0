"""The payments of an order: what was paid, when the money arrived, and which fee was kept (claims S0.13, I12)."""

from __future__ import annotations

from collections.abc import Mapping

from contracts.delivery_ids import order_key, refund_key, sale_id
from contracts.envelope import Envelope
from contracts.ledger import CreditNoteRecorded, PaymentPlanned, PaymentRecorded, SalePlanned, SaleRecorded, is_reversal
from contracts.model import Event
from contracts.operations import PaymentReceived
from services.accounting.documents.payments import Payments, entered_payment
from services.accounting.documents.push import ANSWER
from services.accounting.documents.store_credit import credit_booked
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State
from services.order_exporter.projection import PLAN, SALE, KnownOrder
from services.settings.orders import OrderSettings, PaymentSettings


def load_payments(
    known: KnownOrder, is_void: bool, orders: OrderSettings, rules: PaymentSettings, state: State
) -> Payments:
    """What is known about the payments of an order, without entries by methods that have no mapping."""
    key = known.order.key
    entered = [
        each for each in _accepted_entries(key, state) if entered_payment(each, known.order).method in rules.methods
    ]
    return Payments(
        order=known.order,
        is_void=is_void,
        credit=credit_booked(known.order, orders),
        sale=state.get(SALE, key) or state.get(PLAN, key),
        receipts={each.payment: each for each in state.find(RECEIPT, key).values()},
        entered=tuple(sorted(entered, key=lambda each: each.asked_at)),
        notes=tuple(sorted(state.find(CREDITED, key).values(), key=lambda note: note.refund_id)),
    )


def _accepted_entries(order: str, state: State) -> list[PaymentReceived]:
    """The payments that people entered for an order, without dry runs and refused ones."""
    entered = [each for each in state.find(ENTERED, order).values() if not each.dry_run]
    answers = state.get_many(ANSWER, (each.command_id for each in entered))
    refused = {command for command, answer in answers.items() if answer.outcome == "refused"}
    return [each for each in entered if each.command_id not in refused]


ENTERED = Kind("payment-entered", PaymentReceived)
"""By command; the reference is the order."""
RECEIPT = Kind("receipt", PaymentRecorded)
RECEIPT_PLAN = Kind("receipt-plan", PaymentPlanned)
CREDITED = Kind("credited", CreditNoteRecorded)
"""Credit notes that belong to a refund, by order and refund; the reference is the order."""


def payment_key(event: PaymentRecorded | PaymentPlanned) -> str:
    """The key of every record about one payment."""
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


PAYMENT_RULES: Mapping[type[Event], Remember] = {
    PaymentReceived: payment_entered,
    PaymentRecorded: payment_recorded,
    PaymentPlanned: payment_planned,
    SaleRecorded: sale_recorded,
    SalePlanned: sale_planned,
    CreditNoteRecorded: refund_credited,
}
