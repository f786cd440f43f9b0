"""Documents in Balance and their plans as rows, made from the events that state them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from contracts.envelope import Envelope
from contracts.ledger import (
    CreditNotePlanned,
    CreditNoteRecorded,
    PaymentPlanned,
    PaymentRecorded,
    SalePlanned,
    SaleRecorded,
)
from contracts.model import Event
from contracts.returns import ReturnPlanned
from contracts.sales_orders import SalesOrderEnded, SalesOrderPlanned, SalesOrderRecorded
from services.console.model.facts import (
    CREDIT_NOTE,
    CREDIT_NOTE_PLAN,
    RECEIPT,
    RECEIPT_PLAN,
    RETURN_PLAN,
    SALE,
    SALE_PLAN,
    SALES_ORDER,
    SALES_ORDER_PLAN,
)
from services.console.model.rows import DOCUMENTS, DocumentKind, DocumentRow
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State

Document = (
    SaleRecorded | SalePlanned | CreditNoteRecorded | CreditNotePlanned | PaymentRecorded | PaymentPlanned
    | SalesOrderRecorded | SalesOrderPlanned | ReturnPlanned
)  # fmt: skip
_KINDS: Mapping[type[Event], tuple[DocumentKind, Kind[Any]]] = {
    SaleRecorded: ("sale", SALE),
    SalePlanned: ("sale", SALE_PLAN),
    CreditNoteRecorded: ("credit-note", CREDIT_NOTE),
    CreditNotePlanned: ("credit-note", CREDIT_NOTE_PLAN),
    PaymentRecorded: ("receipt", RECEIPT),
    PaymentPlanned: ("receipt", RECEIPT_PLAN),
    SalesOrderRecorded: ("sales-order", SALES_ORDER),
    SalesOrderPlanned: ("sales-order", SALES_ORDER_PLAN),
    ReturnPlanned: ("return", RETURN_PLAN),
}
_RECORDED = (SaleRecorded, CreditNoteRecorded, PaymentRecorded, SalesOrderRecorded)


def _remember(envelope: Envelope[Document], state: State) -> None:
    """A recorded document replaces its plan."""
    event = envelope.data
    document, kind = _KINDS[type(event)]
    key, fact = document_key(event, envelope.subject), fact_key(event, envelope.subject)
    row = _make_row(event, document, (kind.name, fact), envelope)
    if isinstance(event, _RECORDED):
        state.drop(DOCUMENTS, envelope.subject)
    elif (known := state.get(DOCUMENTS, key)) is not None and known.state == "recorded":
        return
    state.put(DOCUMENTS, key, row, ref=event.key)


def document_key(event: Document, subject: str) -> str:
    """The key of a document's row: a plan has that of the document that it becomes."""
    if isinstance(event, SaleRecorded):
        return fact_key(event, subject)
    if isinstance(event, ReturnPlanned):
        return subject
    return f"{event.key}:{subject.removeprefix(event.key + ':').replace('-plan', '', 1)}"


def fact_key(event: Document, subject: str) -> str:
    """The key under which the document's fact is kept."""
    if isinstance(event, SaleRecorded):
        return f"{subject}:{event.sale}"
    return event.key if isinstance(event, SalesOrderRecorded) else subject


def _make_row(event: Any, document: DocumentKind, fact: tuple[str, str], envelope: Envelope[Any]) -> DocumentRow:
    is_receipt = isinstance(event, PaymentRecorded | PaymentPlanned)
    return DocumentRow(
        shop=event.shop,
        order_id=event.order_id,
        document=document,
        state="recorded" if isinstance(event, _RECORDED) else "planned",
        uid=_uid(event),
        number=getattr(event, "number", None) or "",
        part=_part(event),
        date=event.date,
        total=event.amount if is_receipt else event.total,
        vat=Decimal(0) if is_receipt else event.vat,
        currency=event.currency,
        how=getattr(event, "how", ""),
        posted=getattr(event, "posted", True),
        differences=getattr(event, "differences", ()),
        at=envelope.time,
        fact=fact,
    )


def _uid(event: Document) -> str:
    match event:
        case SaleRecorded() | SalePlanned():
            return event.sale
        case CreditNoteRecorded() | CreditNotePlanned():
            return event.credit_note
        case PaymentRecorded() | PaymentPlanned():
            return event.receipt
        case SalesOrderRecorded() | SalesOrderPlanned():
            return event.sales_order
        case _:
            return ""


def _part(event: Document) -> str:
    match event:
        case CreditNoteRecorded() | CreditNotePlanned():
            return str(event.refund_id)
        case PaymentRecorded() | PaymentPlanned():
            return event.payment
        case ReturnPlanned():
            return event.request
        case _:
            return ""


def _on_sales_order_ended(envelope: Envelope[SalesOrderEnded], state: State) -> None:
    if (row := state.get(DOCUMENTS, envelope.subject)) is not None:
        state.put(DOCUMENTS, envelope.subject, row.model_copy(update={"state": "ended"}), ref=envelope.data.key)


DOCUMENT_RULES: Mapping[type[Event], Remember] = {
    **dict.fromkeys(_KINDS, _remember),
    SalesOrderEnded: _on_sales_order_ended,
}
