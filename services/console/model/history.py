"""Collect what the topics contain about each order: the shop's side, the books' side, and dead letters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from contracts.approvals import ApprovalAsked
from contracts.closing import DayClosed, DifferenceAccepted
from contracts.delivery_ids import order_key
from contracts.envelope import Envelope
from contracts.identity import ShopIdentified, ShopNotRecognized
from contracts.ledger import (
    CreditNoteRecorded,
    NothingToCredit,
    PaymentRecorded,
    SaleDiverged,
    SaleRecorded,
    is_reversal,
)
from contracts.model import Event
from contracts.operations import CommandSettled, DeadLettered, DeadLetterSettled, PaymentReceived, PushRequested
from contracts.order_statuses import is_void
from contracts.sales_orders import SalesOrderEnded, SalesOrderRecorded
from contracts.shop import OrderChanged, OrderRemoved, OrderUnreadable, RefundIssued, RefundRemoved, RefundUnreadable
from services.engine.outbox.dead_letters import order_key_of

DocumentEvent = SaleRecorded | SaleDiverged | CreditNoteRecorded | NothingToCredit | PaymentRecorded
TOPICS = ("shop.orders", "shop.refunds", "ledger.documents", "dead-letters", "commands", "operations")


@dataclass(slots=True)
class OrderHistory:
    """An order with its refunds, documents, payments, approvals and dead letters.

    `refunds`, `notes` (credit notes), `unread_refunds` and `nothing_to_credit` (refunds that need no credit note) have
    the refund id as key. The key of `dead_letters` is what failed (`about`), that of `settled` the dead letter's id.
    `removed`: the shop has deleted the order. `pushed`: a person requested its export. `sales_order`: the sales order
    that reserves its goods. `unread`, `unread_refunds`: answers of the shop that store-feed could not accept.
    `behind`: how the shop differs from the topics, with the command that reads the order again; empty if they agree.
    `just_changed`: store-feed has not had the time to read the last change; then the topics are not behind.
    """

    order: OrderChanged | None = None
    removed: bool = False
    refunds: dict[int, RefundIssued] = field(default_factory=dict)
    sales: dict[str, SaleRecorded] = field(default_factory=dict)
    diverged: SaleDiverged | None = None
    notes: dict[int, CreditNoteRecorded] = field(default_factory=dict)
    approval_requests: dict[str, ApprovalAsked] = field(default_factory=dict)
    dead_letters: dict[str, DeadLettered] = field(default_factory=dict)
    settled: dict[str, DeadLetterSettled] = field(default_factory=dict)
    receipts: dict[str, PaymentRecorded] = field(default_factory=dict)
    entered_payments: list[PaymentReceived] = field(default_factory=list)
    pushed: bool = False
    sales_order: SalesOrderRecorded | None = None
    unread: OrderUnreadable | None = None
    unread_refunds: dict[int, RefundUnreadable] = field(default_factory=dict)
    nothing_to_credit: dict[int, NothingToCredit] = field(default_factory=dict)
    behind: str = ""
    just_changed: bool = False

    @property
    def currency(self) -> str:
        """The currency of the order."""
        return self.order.currency if self.order else ""

    @property
    def sale(self) -> SaleRecorded | None:
        """The current Sale: the last one without a reversal."""
        return next((sale for sale in reversed(self.sales.values()) if sale.sale not in self.reversals), None)

    @property
    def reversals(self) -> dict[str, CreditNoteRecorded]:
        """The reversals, by the Sale that each of them credits."""
        return {note.sale: note for note in self.notes.values() if is_reversal(note.refund_id)}

    @property
    def valid_order(self) -> OrderChanged | None:
        """The order, unless it is deleted or void."""
        invalid = self.order is None or self.removed or is_void(self.order)
        return None if invalid else self.order


@dataclass(slots=True)
class OrderFacts:
    """All orders by key (`shop:order`), the last close of each day with its version, and accepted differences.

    `unrecognized`: shops that currently answer with another identity than the known one.
    `orders_of_dead_letters`: the key of the order of each dead letter that concerns one.
    """

    histories: defaultdict[str, OrderHistory] = field(default_factory=lambda: defaultdict(OrderHistory))
    closes: dict[str, tuple[int, DayClosed]] = field(default_factory=dict)
    accepted: dict[str, DifferenceAccepted] = field(default_factory=dict)
    unrecognized: dict[str, ShopNotRecognized] = field(default_factory=dict)
    orders_of_dead_letters: dict[str, str] = field(default_factory=dict)

    def of_shop(self, shop: str) -> Mapping[str, OrderHistory]:
        """The orders of one shop."""
        return {key: history for key, history in self.histories.items() if key.startswith(f"{shop}:")}


def collect_facts(envelopes: Iterable[Envelope[Event]]) -> OrderFacts:
    """Collect the facts of these events. An event is ignored unless it is newer than the last one of its subject."""
    facts, seen, refused = OrderFacts(), dict[tuple[str, str], int](), set[str]()
    for envelope in envelopes:
        if isinstance(envelope.data, CommandSettled) and envelope.data.outcome == "refused":
            refused.add(envelope.data.command_id)
        slot = (envelope.data.TOPIC, envelope.subject)
        if envelope.sequence > seen.get(slot, 0):
            seen[slot] = envelope.sequence
            _apply(facts, envelope)
    for history in facts.histories.values():
        payments = history.entered_payments
        history.entered_payments = [one for one in payments if one.command_id not in refused and not one.dry_run]
    return facts


def _apply(facts: OrderFacts, envelope: Envelope[Event]) -> None:
    match event := envelope.data:
        case ShopIdentified():
            facts.unrecognized.pop(event.shop, None)
        case ShopNotRecognized():
            facts.unrecognized[event.shop] = event
        case DayClosed():
            facts.closes[event.key] = (envelope.sequence, event)
        case DifferenceAccepted():
            facts.accepted[event.key] = event
        case PaymentReceived() | ApprovalAsked() | PushRequested():
            _apply_request(facts.histories[order_key(event.shop, event.order_id)], event)
        case DeadLettered() | DeadLetterSettled():
            _apply_dead_letter(facts, event)
        case OrderChanged() | OrderRemoved() | OrderUnreadable():
            _apply_order(facts.histories[event.key], event)
        case RefundIssued() | RefundRemoved() | RefundUnreadable():
            _apply_refund(facts.histories[event.key], event)
        case SaleRecorded() | SaleDiverged() | CreditNoteRecorded() | NothingToCredit() | PaymentRecorded():
            _apply_document(facts.histories[event.key], event)
        case SalesOrderRecorded() | SalesOrderEnded():
            facts.histories[event.key].sales_order = event if isinstance(event, SalesOrderRecorded) else None
        case _:
            return


def _apply_request(history: OrderHistory, event: PaymentReceived | ApprovalAsked | PushRequested) -> None:
    match event:
        case PaymentReceived():
            history.entered_payments.append(event)
        case ApprovalAsked():
            history.approval_requests[event.document] = event
        case PushRequested() if event.document == "order" and not event.dry_run:
            history.pushed = True


def _apply_dead_letter(facts: OrderFacts, event: DeadLettered | DeadLetterSettled) -> None:
    """A dead letter belongs to the order it concerns, even if its Kafka key is an item, a client or an account."""
    if isinstance(event, DeadLettered) and (key := order_key_of(event)):
        facts.orders_of_dead_letters[event.dead_letter] = key
        facts.histories[key].dead_letters[event.about] = event
        facts.histories[key].settled.pop(event.dead_letter, None)
    elif isinstance(event, DeadLetterSettled) and event.dead_letter in facts.orders_of_dead_letters:
        facts.histories[facts.orders_of_dead_letters[event.dead_letter]].settled[event.dead_letter] = event


def _apply_order(history: OrderHistory, event: OrderChanged | OrderRemoved | OrderUnreadable) -> None:
    history.unread = event if isinstance(event, OrderUnreadable) else None
    match event:
        case OrderChanged():
            history.order, history.removed = event, False
        case OrderRemoved():
            history.removed = True


def _apply_refund(history: OrderHistory, event: RefundIssued | RefundRemoved | RefundUnreadable) -> None:
    history.unread_refunds.pop(event.refund_id, None)
    match event:
        case RefundIssued():
            history.refunds[event.refund_id] = event
        case RefundRemoved():
            history.refunds.pop(event.refund_id, None)
        case RefundUnreadable():
            history.unread_refunds[event.refund_id] = event


def _apply_document(history: OrderHistory, event: DocumentEvent) -> None:
    match event:
        case SaleRecorded():
            history.sales.pop(event.sale, None)  # so that the last one comes last
            history.sales[event.sale] = event
        case SaleDiverged():
            history.diverged = event
        case CreditNoteRecorded():
            history.notes[event.refund_id] = event
        case NothingToCredit():
            history.nothing_to_credit[event.refund_id] = event
        case PaymentRecorded():
            history.receipts[event.payment] = event
