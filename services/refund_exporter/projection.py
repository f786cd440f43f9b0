"""What refund-exporter remembers: refunds, their orders, Sales (or their plans), divergences and credit notes."""

from __future__ import annotations

from collections.abc import Mapping

from contracts.delivery_ids import refund_key, sale_id
from contracts.envelope import Envelope
from contracts.ledger import (
    CreditNotePlanned,
    CreditNoteRecorded,
    NothingToCredit,
    SaleDiverged,
    SalePlanned,
    SaleRecorded,
)
from contracts.model import Event
from contracts.shop import OrderChanged, OrderRemoved, RefundIssued, RefundRemoved, RefundUnreadable
from services.accounting.documents.push import push_rules
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State

SERVICE = "refund-exporter"

ORDER = Kind("order", OrderChanged)
"""Orders that have refunds or a parent, without their person; others are not needed here."""
ORDER_REMOVED = Kind("order-removed", OrderRemoved)
REFUND = Kind("refund", RefundIssued)
REMOVED = Kind("refund-removed", RefundRemoved)
UNREADABLE = Kind("refund-unreadable", RefundUnreadable)
"""Refunds that the shop does not show completely; they wait, and so does everything that depends on all refunds."""
SALE = Kind("sale", SaleRecorded)
SALE_PLAN = Kind("sale-plan", SalePlanned)
DIVERGED = Kind("sale-diverged", SaleDiverged)
NOTE = Kind("credit-note", CreditNoteRecorded)
NOTE_PLAN = Kind("credit-note-plan", CreditNotePlanned)
NOTHING_DUE = Kind("nothing-to-credit", NothingToCredit)
"""By refund: what was announced about it."""


def order_changed(envelope: Envelope[OrderChanged], state: State) -> None:
    order = envelope.data
    state.drop(ORDER_REMOVED, order.key)
    if not (order.refund_ids or order.parent_id):
        state.drop(ORDER, order.key)
        return
    state.put(ORDER, order.key, order.model_copy(update={"person": None, "sealed": None}))
    state.touch(order.key)


def order_removed(envelope: Envelope[OrderRemoved], state: State) -> None:
    removed = envelope.data
    if state.find(REFUND, removed.key):
        state.put(ORDER_REMOVED, removed.key, removed)
        state.touch(removed.key)


def refund_issued(envelope: Envelope[RefundIssued], state: State) -> None:
    refund = envelope.data
    state.put(REFUND, refund_key(refund.key, refund.refund_id), refund, ref=refund.key)
    state.drop(REMOVED, refund_key(refund.key, refund.refund_id))
    state.drop(UNREADABLE, refund_key(refund.key, refund.refund_id))
    state.touch(refund.key)


def refund_unreadable(envelope: Envelope[RefundUnreadable], state: State) -> None:
    state.put(UNREADABLE, refund_key(envelope.data.key, envelope.data.refund_id), envelope.data, ref=envelope.data.key)
    state.touch(envelope.data.key)


def refund_removed(envelope: Envelope[RefundRemoved], state: State) -> None:
    removed = envelope.data
    state.put(REMOVED, refund_key(removed.key, removed.refund_id), removed, ref=removed.key)
    state.drop(UNREADABLE, refund_key(removed.key, removed.refund_id))
    state.touch(removed.key)


def sale_recorded(envelope: Envelope[SaleRecorded], state: State) -> None:
    state.put(SALE, envelope.data.key, envelope.data)
    state.release(sale_id(envelope.data.key))
    state.touch(envelope.data.key)


def sale_planned(envelope: Envelope[SalePlanned], state: State) -> None:
    state.put(SALE_PLAN, envelope.data.key, envelope.data)
    state.touch(envelope.data.key)


def sale_diverged(envelope: Envelope[SaleDiverged], state: State) -> None:
    state.put(DIVERGED, envelope.data.key, envelope.data)
    state.touch(envelope.data.key)


def credit_note_recorded(envelope: Envelope[CreditNoteRecorded], state: State) -> None:
    state.put(NOTE, refund_key(envelope.data.key, envelope.data.refund_id), envelope.data, ref=envelope.data.key)
    state.touch(envelope.data.key)


def credit_note_planned(envelope: Envelope[CreditNotePlanned], state: State) -> None:
    state.put(NOTE_PLAN, refund_key(envelope.data.key, envelope.data.refund_id), envelope.data)


def nothing_to_credit(envelope: Envelope[NothingToCredit], state: State) -> None:
    state.put(NOTHING_DUE, refund_key(envelope.data.key, envelope.data.refund_id), envelope.data)


REMEMBER: Mapping[type[Event], Remember] = {
    OrderChanged: order_changed,
    OrderRemoved: order_removed,
    RefundIssued: refund_issued,
    RefundUnreadable: refund_unreadable,
    RefundRemoved: refund_removed,
    SaleRecorded: sale_recorded,
    SalePlanned: sale_planned,
    SaleDiverged: sale_diverged,
    CreditNoteRecorded: credit_note_recorded,
    CreditNotePlanned: credit_note_planned,
    NothingToCredit: nothing_to_credit,
    **push_rules(SERVICE, "refund"),
}
