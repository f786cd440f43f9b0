"""The facts about orders that the console remembers, as the services stated them.

Whatever a page shows of an order is derived from these by `orders.py`, and again when the settings change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from contracts.approvals import ApprovalAsked
from contracts.delivery_ids import order_key
from contracts.envelope import Envelope
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
from contracts.operations import CommandSettled, PaymentReceived, PushRequested
from contracts.placement import SalePostponed, WarehouseChosen
from contracts.returns import ReturnPlanned
from contracts.sales_orders import SalesOrderEnded, SalesOrderPlanned, SalesOrderRecorded
from contracts.shop import OrderChanged, OrderRemoved, OrderUnreadable, RefundIssued, RefundRemoved, RefundUnreadable
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State

ORDER = Kind("order", OrderChanged)
REMOVED = Kind("order-removed", OrderRemoved)
UNREAD = Kind("order-unread", OrderUnreadable)
PUSHED = Kind("pushed", PushRequested)
SALES_ORDER = Kind("sales-order", SalesOrderRecorded)
DIVERGED = Kind("diverged", SaleDiverged)
"""These six by order."""
REFUND = Kind("refund", RefundIssued)
UNREAD_REFUND = Kind("refund-unread", RefundUnreadable)
NOTHING_TO_CREDIT = Kind("nothing-to-credit", NothingToCredit)
SALE = Kind("sale", SaleRecorded)
CREDIT_NOTE = Kind("credit-note", CreditNoteRecorded)
RECEIPT = Kind("receipt", PaymentRecorded)
SALE_PLAN = Kind("sale-plan", SalePlanned)
CREDIT_NOTE_PLAN = Kind("credit-note-plan", CreditNotePlanned)
RECEIPT_PLAN = Kind("receipt-plan", PaymentPlanned)
SALES_ORDER_PLAN = Kind("sales-order-plan", SalesOrderPlanned)
RETURN_PLAN = Kind("return-plan", ReturnPlanned)
CLIENT = Kind("client", ClientRecorded)
WAREHOUSE = Kind("warehouse", WarehouseChosen)
POSTPONED = Kind("postponed", SalePostponed)
APPROVAL_ASKED = Kind("approval-asked", ApprovalAsked)
PAYMENT = Kind("payment", PaymentReceived)
"""These have the order as reference."""
REFUSED = Kind("refused", CommandSettled)
"""Refused commands, by command."""
OF_HISTORY: tuple[Kind[Any], ...] = (
    ORDER, REMOVED, UNREAD, PUSHED, SALES_ORDER, DIVERGED, REFUND, UNREAD_REFUND, NOTHING_TO_CREDIT, SALE, CREDIT_NOTE,
    RECEIPT, APPROVAL_ASKED, PAYMENT, REFUSED,
)  # fmt: skip
"""What the history of an order consists of."""
PLANS = (SALE_PLAN, CREDIT_NOTE_PLAN, RECEIPT_PLAN, SALES_ORDER_PLAN, RETURN_PLAN)


def touch_order(key: str, state: State) -> None:
    """Have the rows of an order (`shop:id`) derived again."""
    state.touch(key)


def _on_order_changed(envelope: Envelope[OrderChanged], state: State) -> None:
    _replace_order(ORDER, envelope.data, state)


def _on_order_removed(envelope: Envelope[OrderRemoved], state: State) -> None:
    _replace_order(REMOVED, envelope.data, state)


def _on_order_unreadable(envelope: Envelope[OrderUnreadable], state: State) -> None:
    _replace_order(UNREAD, envelope.data, state)


_REPLACED: Mapping[str, tuple[Kind[Any], ...]] = {
    ORDER.name: (REMOVED, UNREAD),
    REMOVED.name: (UNREAD,),
    UNREAD.name: (),
}
"""What a newer fact of the order takes back."""


def _replace_order(kind: Kind[Any], event: OrderChanged | OrderRemoved | OrderUnreadable, state: State) -> None:
    for other in _REPLACED[kind.name]:
        state.drop(other, event.key)
    state.put(kind, event.key, event)
    touch_order(event.key, state)


def _on_refund_issued(envelope: Envelope[RefundIssued], state: State) -> None:
    state.drop(UNREAD_REFUND, envelope.subject)
    _keep(REFUND, envelope, state)


def _on_refund_removed(envelope: Envelope[RefundRemoved], state: State) -> None:
    state.drop(REFUND, envelope.subject)
    state.drop(UNREAD_REFUND, envelope.subject)
    touch_order(envelope.data.key, state)


def _keep(kind: Kind[Any], envelope: Envelope[Any], state: State) -> None:
    state.put(kind, envelope.subject, envelope.data, ref=envelope.data.key)
    touch_order(envelope.data.key, state)


def _on_sale_recorded(envelope: Envelope[SaleRecorded], state: State) -> None:
    """Each Sale is kept: after a reversal an order has several."""
    sale = envelope.data
    state.put(SALE, f"{envelope.subject}:{sale.sale}", sale, ref=sale.key)
    touch_order(sale.key, state)


def _on_sale_diverged(envelope: Envelope[SaleDiverged], state: State) -> None:
    state.put(DIVERGED, envelope.data.key, envelope.data)
    touch_order(envelope.data.key, state)


def _on_sales_order(envelope: Envelope[SalesOrderRecorded | SalesOrderEnded], state: State) -> None:
    event = envelope.data
    if isinstance(event, SalesOrderRecorded):
        state.put(SALES_ORDER, event.key, event)
    else:
        state.drop(SALES_ORDER, event.key)
    touch_order(event.key, state)


def _on_approval_asked(envelope: Envelope[ApprovalAsked], state: State) -> None:
    asked = envelope.data
    key = order_key(asked.shop, asked.order_id)
    state.put(APPROVAL_ASKED, asked.document, asked, ref=key)
    touch_order(key, state)


def _on_pushed(envelope: Envelope[PushRequested], state: State) -> None:
    push = envelope.data
    if push.document == "order" and not push.dry_run:
        key = order_key(push.shop, push.order_id)
        state.put(PUSHED, key, push)
        touch_order(key, state)


def _on_payment(envelope: Envelope[PaymentReceived], state: State) -> None:
    payment = envelope.data
    if not payment.dry_run:
        key = order_key(payment.shop, payment.order_id)
        state.put(PAYMENT, payment.command_id, payment, ref=key)
        touch_order(key, state)


def _on_command_settled(envelope: Envelope[CommandSettled], state: State) -> None:
    """A refused payment does not count."""
    if envelope.data.outcome == "refused":
        state.put(REFUSED, envelope.data.command_id, envelope.data)
        if (payment := state.get(PAYMENT, envelope.data.command_id)) is not None:
            touch_order(order_key(payment.shop, payment.order_id), state)


def _keep_as(kinds: Iterable[tuple[type[Event], Kind[Any]]]) -> dict[type[Event], Remember]:
    def rule_for(kind: Kind[Any]) -> Callable[[Envelope[Any], State], None]:
        return lambda envelope, state: _keep(kind, envelope, state)

    return {event: rule_for(kind) for event, kind in kinds}


FACT_RULES: Mapping[type[Event], Remember] = {
    OrderChanged: _on_order_changed,
    OrderRemoved: _on_order_removed,
    OrderUnreadable: _on_order_unreadable,
    RefundIssued: _on_refund_issued,
    RefundRemoved: _on_refund_removed,
    SaleRecorded: _on_sale_recorded,
    SaleDiverged: _on_sale_diverged,
    SalesOrderRecorded: _on_sales_order,
    SalesOrderEnded: _on_sales_order,
    ApprovalAsked: _on_approval_asked,
    PushRequested: _on_pushed,
    PaymentReceived: _on_payment,
    CommandSettled: _on_command_settled,
    **_keep_as(
        [
            (RefundUnreadable, UNREAD_REFUND),
            (NothingToCredit, NOTHING_TO_CREDIT),
            (CreditNoteRecorded, CREDIT_NOTE),
            (PaymentRecorded, RECEIPT),
            (SalePlanned, SALE_PLAN),
            (CreditNotePlanned, CREDIT_NOTE_PLAN),
            (PaymentPlanned, RECEIPT_PLAN),
            (SalesOrderPlanned, SALES_ORDER_PLAN),
            (ReturnPlanned, RETURN_PLAN),
            (ClientRecorded, CLIENT),
            (WarehouseChosen, WAREHOUSE),
            (SalePostponed, POSTPONED),
        ]
    ),
}
"""What each event leaves of an order's facts."""
