"""What refund-exporter remembers: refunds, Sales (or their plans) and what became of their orders, credit notes."""

from __future__ import annotations

from collections.abc import Mapping

from contracts.envelope import Envelope
from contracts.ledger import CreditNotePlanned, CreditNoteRecorded, SaleDiverged, SalePlanned, SaleRecorded
from contracts.model import Event
from contracts.shop import RefundIssued, RefundRemoved
from services.shared.delivery.handlers import Remember
from services.shared.documents.push import push_rules
from services.shared.state.records import Kind, State

SERVICE = "refund-exporter"

REFUND = Kind("refund", RefundIssued)
REMOVED = Kind("refund-removed", RefundRemoved)
SALE = Kind("sale", SaleRecorded)
SALE_PLAN = Kind("sale-plan", SalePlanned)
DIVERGED = Kind("sale-diverged", SaleDiverged)
NOTE = Kind("credit-note", CreditNoteRecorded)
NOTE_PLAN = Kind("credit-note-plan", CreditNotePlanned)


def sale_name(order: str) -> str:
    """What a credit note waits for while its order has no Sale."""
    return f"sale:{order}"


def refund_key(event: RefundIssued | RefundRemoved | CreditNoteRecorded | CreditNotePlanned) -> str:
    """The key of everything about one refund; all of it is found by its order."""
    return f"{event.key}:{event.refund_id}"


def refund_issued(envelope: Envelope[RefundIssued], state: State) -> None:
    refund = envelope.data
    state.put(REFUND, refund_key(refund), refund, ref=refund.key)
    state.drop(REMOVED, refund_key(refund))
    state.touch(refund.key)


def refund_removed(envelope: Envelope[RefundRemoved], state: State) -> None:
    removed = envelope.data
    state.put(REMOVED, refund_key(removed), removed, ref=removed.key)
    state.touch(removed.key)


def sale_recorded(envelope: Envelope[SaleRecorded], state: State) -> None:
    state.put(SALE, envelope.data.key, envelope.data)
    state.release(sale_name(envelope.data.key))
    state.touch(envelope.data.key)


def sale_planned(envelope: Envelope[SalePlanned], state: State) -> None:
    state.put(SALE_PLAN, envelope.data.key, envelope.data)
    state.touch(envelope.data.key)


def sale_diverged(envelope: Envelope[SaleDiverged], state: State) -> None:
    state.put(DIVERGED, envelope.data.key, envelope.data)
    state.touch(envelope.data.key)


def note_recorded(envelope: Envelope[CreditNoteRecorded], state: State) -> None:
    state.put(NOTE, refund_key(envelope.data), envelope.data, ref=envelope.data.key)
    state.touch(envelope.data.key)


def note_planned(envelope: Envelope[CreditNotePlanned], state: State) -> None:
    state.put(NOTE_PLAN, refund_key(envelope.data), envelope.data)


REMEMBER: Mapping[type[Event], Remember] = {
    RefundIssued: refund_issued,
    RefundRemoved: refund_removed,
    SaleRecorded: sale_recorded,
    SalePlanned: sale_planned,
    SaleDiverged: sale_diverged,
    CreditNoteRecorded: note_recorded,
    CreditNotePlanned: note_planned,
    **push_rules(SERVICE, "refund"),
}
