"""Describes the events of documents in Balance, written or planned."""

from __future__ import annotations

from functools import singledispatch

from contracts.ledger import (
    ClientRecorded,
    CreditNotePlanned,
    CreditNoteRecorded,
    NothingToCredit,
    PaymentPlanned,
    PaymentRecorded,
    SaleDiverged,
    SalePlanned,
    SaleRecorded,
)
from contracts.placement import SalePostponed, WarehouseChosen
from contracts.returns import ReturnPlanned
from contracts.sales_orders import SalesOrderEnded, SalesOrderPlanned, SalesOrderRecorded
from services.console.model.message import StoredMessage, money
from services.console.model.message import message as _

DocumentEvent = (
    ClientRecorded | SaleRecorded | SalePlanned | SaleDiverged | CreditNoteRecorded | CreditNotePlanned
    | NothingToCredit | PaymentRecorded | PaymentPlanned | WarehouseChosen | SalePostponed | SalesOrderRecorded
    | SalesOrderPlanned | SalesOrderEnded | ReturnPlanned
)  # fmt: skip
AS_INTENDED = _("as intended")


@singledispatch
def describe_document(event: DocumentEvent) -> StoredMessage:
    """Describe an event about a document."""
    return StoredMessage(text="{type}", values={"type": event.TYPE})


@describe_document.register
def _client(event: ClientRecorded) -> StoredMessage:
    return _(
        "client {client}{code} {how}{detail}",
        client=event.client,
        code=_(" (code {code})", code=event.code) if event.code else "",
        how=StoredMessage(text=event.how),
        detail=f": {event.detail}" if event.detail else "",
    )


@describe_document.register
def _sale(event: SaleRecorded) -> StoredMessage:
    return _(
        "Sale {sale} {how}{several}, read back, {compared}: {total}{resolved}",
        sale=event.sale,
        how=StoredMessage(text=event.how),
        several=_(" as {count} documents", count=len(event.parts)) if event.parts else "",
        compared=_compare(event.differences),
        total=money(event.total),
        resolved=_resolved(event),
    )


@describe_document.register
def _credit_note(event: CreditNoteRecorded) -> StoredMessage:
    return _(
        "credit note {note} {how}, {compared}: {total}",
        note=event.credit_note,
        how=StoredMessage(text=event.how),
        compared=_compare(event.differences),
        total=money(event.total),
    )


@describe_document.register
def _nothing(event: NothingToCredit) -> StoredMessage:
    return _(
        "refund {refund} of {amount}: nothing to credit: {why}",
        refund=event.refund_id,
        amount=money(event.amount),
        why=event.why,
    )


@describe_document.register
def _sale_planned(event: SalePlanned) -> StoredMessage:
    return _("dry run: would write sale of {total}{resolved}", total=money(event.total), resolved=_resolved(event))


@describe_document.register
def _credit_planned(event: CreditNotePlanned) -> StoredMessage:
    return _("dry run: would write credit-note of {total}", total=money(event.total))


@describe_document.register
def _diverged(event: SaleDiverged) -> StoredMessage:
    return _("the order now differs from its Sale: {detail}", detail=event.detail)


@describe_document.register
def _sales_order_planned(event: SalesOrderPlanned) -> StoredMessage:
    return _("dry run: would write sales order of {total}", total=money(event.total))


@describe_document.register
def _sales_order(event: SalesOrderRecorded) -> StoredMessage:
    return _(
        "sales order {document} {how}, read back, {compared}: {total}",
        document=event.sales_order,
        how=StoredMessage(text=event.how),
        compared=_compare(event.differences),
        total=money(event.total),
    )


@describe_document.register
def _sales_order_ended(event: SalesOrderEnded) -> StoredMessage:
    why = _("its Sale follows") if event.why == "sold" else _("the order was cancelled")
    return _("sales order {document} no longer reserves stock: {why}", document=event.sales_order, why=why)


@describe_document.register
def _warehouse(event: WarehouseChosen) -> StoredMessage:
    return _("shipped from warehouse {warehouse}: {why}", warehouse=event.warehouse, why=event.why)


@describe_document.register
def _postponed(event: SalePostponed) -> StoredMessage:
    if event.unposted:
        return _("waits for goods to arrive, unposted in Balance: {detail}", detail=event.detail)
    return _("waits for goods to arrive: {detail}", detail=event.detail)


@describe_document.register
def _payment_planned(event: PaymentPlanned) -> StoredMessage:
    return _("dry run: would write a receipt of {paid}", paid=_paid(event))


@describe_document.register
def _payment(event: PaymentRecorded) -> StoredMessage:
    return _(
        "receipt {receipt} {how}, {compared}: {paid}",
        receipt=event.receipt,
        how=StoredMessage(text=event.how),
        compared=_compare(event.differences),
        paid=_paid(event),
    )


@describe_document.register
def _return_planned(event: ReturnPlanned) -> StoredMessage:
    return _(
        "return request {request} would become a credit note of {total} {currency}",
        request=event.request,
        total=money(event.total),
        currency=event.currency,
    )


def _resolved(event: SaleRecorded | SalePlanned) -> str:
    return f"; {'; '.join(event.resolved)}" if event.resolved else ""


def _compare(differences: tuple[str, ...]) -> StoredMessage:
    return AS_INTENDED if not differences else _("differs: {differences}", differences="; ".join(differences))


def _paid(event: PaymentRecorded | PaymentPlanned) -> StoredMessage:
    return _(
        "{amount} on {date} by {method} {reference}",
        amount=money(event.amount),
        date=event.date,
        method=event.method,
        reference=event.reference,
    )
