"""Describes events in one line each; unknown types by their name."""

from __future__ import annotations

from functools import singledispatch

from contracts.approvals import ApprovalAsked, ApprovalGiven
from contracts.clients import ContactsConflicted, ContactsMerged
from contracts.customers import CustomerRemoved, CustomerReturned
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
from contracts.model import Event
from contracts.notices import OrderNotePlanned, OrderNoteWritten, OrderStatusPlanned, OrderStatusWritten
from contracts.operations import CommandSettled, DeadLettered, DeadLetterSettled, PaymentReceived, PushRequested
from contracts.placement import SalePostponed, WarehouseChosen
from contracts.privacy import ForgetRequested
from contracts.returns import ReturnPlanned, ReturnRequested
from contracts.sales_orders import SalesOrderEnded, SalesOrderPlanned, SalesOrderRecorded
from contracts.shop import OrderChanged, OrderRemoved, OrderUnreadable, RefundIssued, RefundRemoved, RefundUnreadable
from services.accounting.documents.figures import number


@singledispatch
def describe_event(event: Event) -> str:
    """Describe what an event means for its order."""
    return event.TYPE


@describe_event.register
def _(event: OrderChanged) -> str:
    changed = f" ({', '.join(event.changed)})" if len(event.changed) < 6 else ""
    return f"order read: {event.status}, {event.total:.2f} {event.currency}{changed}"


@describe_event.register
def _(_: OrderRemoved) -> str:
    return "the order no longer exists in the shop"


@describe_event.register
def _(event: OrderUnreadable) -> str:
    return f"the shop's answer about the order is unreadable: {event.reason}: {event.detail}"


@describe_event.register
def _(event: CustomerRemoved) -> str:
    return f"account {event.customer_id} deleted in the shop; the client and its documents remain in Balance"


@describe_event.register
def _(event: CustomerReturned) -> str:
    return f"account {event.customer_id} was restored in the shop"


@describe_event.register
def _(event: RefundIssued) -> str:
    return f"refund {event.refund_id} of {event.amount:.2f} {event.currency}"


@describe_event.register
def _(event: RefundRemoved) -> str:
    return f"refund {event.refund_id} was deleted in the shop"


@describe_event.register
def _(event: RefundUnreadable) -> str:
    return f"refund {event.refund_id} is unreadable: {event.reason}: {event.detail}"


@describe_event.register
def _(event: ClientRecorded) -> str:
    code = f" (code {event.code})" if event.code else ""
    detail = f": {event.detail}" if event.detail else ""
    return f"client {event.client}{code} {event.how}{detail}"


@describe_event.register
def _(event: SaleRecorded) -> str:
    several = f" as {len(event.parts)} documents" if event.parts else ""
    whole = f"Sale {event.sale} {event.how}{several}, read back, {_compare(event.differences)}: {event.total:.2f}"
    return whole + _resolved(event)


@describe_event.register
def _(event: CreditNoteRecorded) -> str:
    return f"credit note {event.credit_note} {event.how}, {_compare(event.differences)}: {event.total:.2f}"


@describe_event.register
def _(event: NothingToCredit) -> str:
    return f"refund {event.refund_id} of {event.amount:.2f}: nothing to credit: {event.why}"


@describe_event.register
def _(event: SalePlanned | CreditNotePlanned) -> str:
    text = f"dry run: would write {event.DOCUMENT.removesuffix('-plan')} of {event.total:.2f}"
    return text + _resolved(event) if isinstance(event, SalePlanned) else text


@describe_event.register
def _(event: SaleDiverged) -> str:
    return f"the order now differs from its Sale: {event.detail}"


@describe_event.register
def _(event: SalesOrderPlanned) -> str:
    return f"dry run: would write sales order of {event.total:.2f}"


@describe_event.register
def _(event: SalesOrderRecorded) -> str:
    return f"sales order {event.sales_order} {event.how}, read back, {_compare(event.differences)}: {event.total:.2f}"


@describe_event.register
def _(event: SalesOrderEnded) -> str:
    why = "its Sale follows" if event.why == "sold" else "the order was cancelled"
    return f"sales order {event.sales_order} no longer reserves stock: {why}"


@describe_event.register
def _(event: WarehouseChosen) -> str:
    return f"shipped from warehouse {event.warehouse}: {event.why}"


@describe_event.register
def _(event: SalePostponed) -> str:
    return f"waits for goods to arrive{', unposted in Balance' if event.unposted else ''}: {event.detail}"


@describe_event.register
def _(event: PaymentPlanned) -> str:
    return f"dry run: would write a receipt of {_paid(event)}"


@describe_event.register
def _(event: PaymentRecorded) -> str:
    return f"receipt {event.receipt} {event.how}, {_compare(event.differences)}: {_paid(event)}"


@describe_event.register
def _(event: PaymentReceived) -> str:
    return f"payment of {event.amount:.2f} on {event.date} recorded by {event.asked_by} {event.reference}".rstrip()


@describe_event.register
def _(event: DeadLettered) -> str:
    return f"dead letter {event.dead_letter[:8]}: {event.reason}: {event.detail}"


@describe_event.register
def _(event: DeadLetterSettled) -> str:
    return f"dead letter {event.dead_letter[:8]} {event.how} by {event.by} {event.why}".rstrip()


@describe_event.register
def _(event: PushRequested) -> str:
    return f"push of the {event.document} requested by {event.asked_by}"


@describe_event.register
def _(event: ApprovalAsked) -> str:
    return f"{event.document} waits for approval: {event.shape}"


@describe_event.register
def _(event: ApprovalGiven) -> str:
    return f"{event.document or 'the shape ' + event.shape} approved by {event.asked_by} {event.why}".rstrip()


@describe_event.register
def _(event: CommandSettled) -> str:
    return f"{event.outcome}: {event.detail}"


@describe_event.register
def _(event: ForgetRequested) -> str:
    return f"the buyer's personal data was erased at the request of {event.asked_by}: {event.why}"


@describe_event.register
def _(event: ContactsMerged) -> str:
    to_balance = [f"{field} to Balance" for field in event.to_balance]
    written = to_balance + [f"{field} to the shop" for field in event.to_shop]
    return f"contacts of client {event.client} compared: {', '.join(written) or 'nothing to write'}"


@describe_event.register
def _(event: ContactsConflicted) -> str:
    fields = ", ".join(f"{one.field} ({one.taken or 'a person decides'})" for one in event.conflicts)
    return f"contacts changed in both shop and Balance: {fields}; davtari clients conflicts --shop {event.shop}"


@describe_event.register
def _(event: ReturnRequested) -> str:
    pieces = ", ".join(f"{number(line.quantity)} of line {line.order_line_id}" for line in event.lines)
    dry = ", in a dry run" if event.dry_run else ""
    return f"return request {event.request} ({pieces}) requested by {event.asked_by}{dry}"


@describe_event.register
def _(event: ReturnPlanned) -> str:
    return f"return request {event.request} would become a credit note of {event.total:.2f} {event.currency}"


@describe_event.register
def _(event: OrderNoteWritten) -> str:
    return f"{_note(event)} {event.note_id} {event.how} in the shop: {event.says}"


@describe_event.register
def _(event: OrderNotePlanned) -> str:
    return f"dry run: would write a {_note(event)}: {event.says}"


@describe_event.register
def _(event: OrderStatusWritten) -> str:
    how = "set in the shop" if event.how == "written" else "found in the shop"
    return f"status {event.was} → {event.status} {how}, because it is {event.booked} in the books"


@describe_event.register
def _(event: OrderStatusPlanned) -> str:
    return f"dry run: would set the status {event.was} → {event.status}, because it is {event.booked} in the books"


def _resolved(event: SaleRecorded | SalePlanned) -> str:
    return f"; {'; '.join(event.resolved)}" if event.resolved else ""


def _compare(differences: tuple[str, ...]) -> str:
    return "as intended" if not differences else f"differs: {'; '.join(differences)}"


def _paid(event: PaymentRecorded | PaymentPlanned) -> str:
    return f"{event.amount:.2f} on {event.date} by {event.method} {event.reference}".rstrip()


def _note(event: OrderNoteWritten | OrderNotePlanned) -> str:
    return "note to the customer" if event.customer else "private note"
