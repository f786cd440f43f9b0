"""Describes events of an order or dead letter in one line each; unknown types by their name."""

from __future__ import annotations

from functools import singledispatch

from contracts.approvals import ApprovalAsked, ApprovalGiven
from contracts.clients import ContactsConflicted, ContactsMerged
from contracts.customers import CustomerRemoved, CustomerReturned
from contracts.model import Event
from contracts.notices import OrderNotePlanned, OrderNoteWritten, OrderStatusPlanned, OrderStatusWritten
from contracts.operations import (
    CommandSettled,
    DeadLettered,
    DeadLetterSettled,
    DiscardRequested,
    EditRequested,
    PaymentReceived,
    PushRequested,
    ReplayRequested,
)
from contracts.privacy import ForgetRequested
from contracts.returns import ReturnRequested
from contracts.shop import OrderChanged, OrderRemoved, OrderUnreadable, RefundIssued, RefundRemoved, RefundUnreadable
from services.accounting.documents.figures import number
from services.console.model.document_text import DocumentEvent, describe_document
from services.console.model.message import StoredMessage, money
from services.console.model.message import message as _


@singledispatch
def describe_event(event: Event) -> StoredMessage:
    """Describe what an event means for its order."""
    return StoredMessage(text="{type}", values={"type": event.TYPE})


@describe_event.register
def _document(event: DocumentEvent) -> StoredMessage:
    return describe_document(event)


@describe_event.register
def _order(event: OrderChanged) -> StoredMessage:
    total = money(event.total)
    if not 0 < len(event.changed) < 6:
        return _("order read: {status}, {total} {currency}", status=event.status, total=total, currency=event.currency)
    return _(
        "order read: {status}, {total} {currency} ({changed})",
        status=event.status,
        total=total,
        currency=event.currency,
        changed=", ".join(event.changed),
    )


@describe_event.register
def _removed(event: OrderRemoved) -> StoredMessage:
    return _("the order no longer exists in the shop")


@describe_event.register
def _unreadable(event: OrderUnreadable) -> StoredMessage:
    return _(
        "the shop's answer about the order is unreadable: {reason}: {detail}", reason=event.reason, detail=event.detail
    )


@describe_event.register
def _account_removed(event: CustomerRemoved) -> StoredMessage:
    return _(
        "account {account} deleted in the shop; the client and its documents remain in Balance",
        account=event.customer_id,
    )


@describe_event.register
def _account_returned(event: CustomerReturned) -> StoredMessage:
    return _("account {account} was restored in the shop", account=event.customer_id)


@describe_event.register
def _refund(event: RefundIssued) -> StoredMessage:
    return _(
        "refund {refund} of {amount} {currency}",
        refund=event.refund_id,
        amount=money(event.amount),
        currency=event.currency,
    )


@describe_event.register
def _refund_removed(event: RefundRemoved) -> StoredMessage:
    return _("refund {refund} was deleted in the shop", refund=event.refund_id)


@describe_event.register
def _refund_unreadable(event: RefundUnreadable) -> StoredMessage:
    return _(
        "refund {refund} is unreadable: {reason}: {detail}",
        refund=event.refund_id,
        reason=event.reason,
        detail=event.detail,
    )


@describe_event.register
def _payment(event: PaymentReceived) -> StoredMessage:
    return _(
        "payment of {amount} on {date} recorded by {by} {reference}",
        amount=money(event.amount),
        date=event.date,
        by=event.asked_by,
        reference=event.reference,
    )


@describe_event.register
def _dead_letter(event: DeadLettered) -> StoredMessage:
    return _("dead letter {id}: {reason}: {detail}", id=event.dead_letter[:8], reason=event.reason, detail=event.detail)


@describe_event.register
def _dead_letter_settled(event: DeadLetterSettled) -> StoredMessage:
    return _(
        "dead letter {id} {how} by {by} {why}",
        id=event.dead_letter[:8],
        how=StoredMessage(text=event.how),
        by=event.by,
        why=event.why,
    )


@describe_event.register
def _replay(event: ReplayRequested) -> StoredMessage:
    return _("replay requested by {by}", by=event.asked_by)


@describe_event.register
def _discard(event: DiscardRequested) -> StoredMessage:
    return _("discarding requested by {by}: {why}", by=event.asked_by, why=event.why)


@describe_event.register
def _edit(event: EditRequested) -> StoredMessage:
    return _(
        "correction of {places} requested by {by}: {why}",
        places=", ".join(event.changed),
        by=event.asked_by,
        why=event.why,
    )


@describe_event.register
def _push(event: PushRequested) -> StoredMessage:
    return _("push of the {document} requested by {by}", document=StoredMessage(text=event.document), by=event.asked_by)


@describe_event.register
def _asked(event: ApprovalAsked) -> StoredMessage:
    return _("{document} waits for approval: {shape}", document=event.document, shape=event.shape)


@describe_event.register
def _given(event: ApprovalGiven) -> StoredMessage:
    what: str | StoredMessage = event.document or _("the shape {shape}", shape=event.shape)
    return _("{what} approved by {by} {why}", what=what, by=event.asked_by, why=event.why)


@describe_event.register
def _command(event: CommandSettled) -> StoredMessage:
    return _("{outcome}: {detail}", outcome=StoredMessage(text=event.outcome), detail=event.detail)


@describe_event.register
def _forgotten(event: ForgetRequested) -> StoredMessage:
    return _("the buyer's personal data was erased at the request of {by}: {why}", by=event.asked_by, why=event.why)


@describe_event.register
def _merged(event: ContactsMerged) -> StoredMessage:
    to_balance = [_("{field} to Balance", field=StoredMessage(text=field)) for field in event.to_balance]
    to_shop = [_("{field} to the shop", field=StoredMessage(text=field)) for field in event.to_shop]
    written = _join([*to_balance, *to_shop]) if to_balance or to_shop else _("nothing to write")
    return _("contacts of client {client} compared: {written}", client=event.client, written=written)


def _join(messages: list[StoredMessage]) -> StoredMessage:
    """The messages as a list with commas."""
    names = [f"part{n}" for n in range(len(messages))]
    return StoredMessage(
        text=", ".join(f"{{{name}}}" for name in names), values=dict(zip(names, messages, strict=True))
    )


@describe_event.register
def _conflicted(event: ContactsConflicted) -> StoredMessage:
    fields = [
        _(
            "{field} ({side})",
            field=StoredMessage(text=one.field),
            side=StoredMessage(text=one.taken or "a person decides"),
        )
        for one in event.conflicts
    ]
    return _("contacts changed in both shop and Balance: {fields}", fields=_join(fields))


@describe_event.register
def _return(event: ReturnRequested) -> StoredMessage:
    pieces = [
        _("{quantity} of line {line}", quantity=number(line.quantity), line=line.order_line_id) for line in event.lines
    ]
    text = _("return request {request} ({pieces}) requested by {by}{dry}")
    values = {"request": event.request, "pieces": _join(pieces), "by": event.asked_by}
    return text.model_copy(update={"values": values | {"dry": _(", in a dry run") if event.dry_run else ""}})


def _note(event: OrderNoteWritten | OrderNotePlanned) -> StoredMessage:
    return _("note to the customer") if event.customer else _("private note")


@describe_event.register
def _note_written(event: OrderNoteWritten) -> StoredMessage:
    return _(
        "{note} {id} {how} in the shop: {says}",
        note=_note(event),
        id=event.note_id,
        how=StoredMessage(text=event.how),
        says=event.says,
    )


@describe_event.register
def _note_planned(event: OrderNotePlanned) -> StoredMessage:
    return _("dry run: would write a {note}: {says}", note=_note(event), says=event.says)


@describe_event.register
def _status_written(event: OrderStatusWritten) -> StoredMessage:
    how = _("set in the shop") if event.how == "written" else _("found in the shop")
    text = _("status {was} → {status} {how}, because it is {state} in the books")
    state = StoredMessage(text=event.booked)
    return text.model_copy(update={"values": {"was": event.was, "status": event.status, "how": how, "state": state}})


@describe_event.register
def _status_planned(event: OrderStatusPlanned) -> StoredMessage:
    return _(
        "dry run: would set the status {was} → {status}, because it is {state} in the books",
        was=event.was,
        status=event.status,
        state=StoredMessage(text=event.booked),
    )


WORDS = (
    *(_("replayed"), _("edited"), _("discarded"), _("overtaken"), _("order"), _("refund"), _("done"), _("refused")),
    *(_("phone"), _("email"), _("address"), _("balance"), _("shop"), _("a person decides")),
    *(_("written"), _("found"), _("adopted"), _("created"), _("posted"), _("credited")),
)
"""Words of events that appear in texts."""
