"""What the topics say about each order: the shop's side, the books' side, and what waits for a person."""

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
TOPICS = ("shop.orders", "shop.refunds", "ledger.documents", "dead-letters", "operations")


@dataclass(slots=True)
class OrderHistory:
    """One order with all that bears on its books; refunds and credit notes by refund id, letters by what is failed.

    `settled` tells how a letter ended, `removed` whether the shop holds the order no more, `pushed` whether a person
    had it exported, `reserved` the sales order that stands for it. `unread` and `unread_refunds` are answers of the
    shop that are not taken as the state, `nothing` are refunds that need no credit note. `behind` says what the shop
    holds otherwise, where it was asked, and the command that has it read; what has `just_changed` there is not read
    yet, and not behind.
    """

    order: OrderChanged | None = None
    removed: bool = False
    refunds: dict[int, RefundIssued] = field(default_factory=dict)
    sales: dict[str, SaleRecorded] = field(default_factory=dict)
    diverged: SaleDiverged | None = None
    notes: dict[int, CreditNoteRecorded] = field(default_factory=dict)
    asked: dict[str, ApprovalAsked] = field(default_factory=dict)
    letters: dict[str, DeadLettered] = field(default_factory=dict)
    settled: dict[str, DeadLetterSettled] = field(default_factory=dict)
    receipts: dict[str, PaymentRecorded] = field(default_factory=dict)
    entered: list[PaymentReceived] = field(default_factory=list)
    pushed: bool = False
    reserved: SalesOrderRecorded | None = None
    unread: OrderUnreadable | None = None
    unread_refunds: dict[int, RefundUnreadable] = field(default_factory=dict)
    nothing: dict[int, NothingToCredit] = field(default_factory=dict)
    behind: str = ""
    just_changed: bool = False

    @property
    def currency(self) -> str:
        """The order's."""
        return self.order.currency if self.order else ""

    @property
    def sale(self) -> SaleRecorded | None:
        """The present Sale: the last that was not taken back whole."""
        return next((sale for sale in reversed(self.sales.values()) if sale.sale not in self.taken_back), None)

    @property
    def taken_back(self) -> dict[str, CreditNoteRecorded]:
        """The credit notes that belong to no refund, by the Sale that each took back whole."""
        return {note.sale: note for note in self.notes.values() if is_reversal(note.refund_id)}

    @property
    def standing(self) -> OrderChanged | None:
        """The order, unless it was removed or given up."""
        gone = self.order is None or self.removed or is_void(self.order)
        return None if gone else self.order


@dataclass(slots=True)
class OrderFacts:
    """All stories by order (`shop:order`); by key the last close of each day with its version, and acceptances."""

    stories: defaultdict[str, OrderHistory] = field(default_factory=lambda: defaultdict(OrderHistory))
    closes: dict[str, tuple[int, DayClosed]] = field(default_factory=dict)
    accepted: dict[str, DifferenceAccepted] = field(default_factory=dict)
    strange: dict[str, ShopNotRecognized] = field(default_factory=dict)
    """By shop, while another one answers than the one that is known."""
    letters: dict[str, str] = field(default_factory=dict)
    """The order of each dead letter that is about one; letters about anything else are left out."""

    def of_shop(self, shop: str) -> Mapping[str, OrderHistory]:
        """The stories of one shop."""
        return {key: story for key, story in self.stories.items() if key.startswith(f"{shop}:")}


def collect_facts(envelopes: Iterable[Envelope[Event]]) -> OrderFacts:
    """The facts of these events; of each subject only what is newer than what was read before."""
    facts, seen, refused = OrderFacts(), dict[tuple[str, str], int](), set[str]()
    for envelope in envelopes:
        if isinstance(envelope.data, CommandSettled) and envelope.data.outcome == "refused":
            refused.add(envelope.data.command_id)
        slot = (envelope.data.TOPIC, envelope.subject)
        if envelope.sequence > seen.get(slot, 0):
            seen[slot] = envelope.sequence
            _apply(facts, envelope)
    for story in facts.stories.values():
        story.entered = [each for each in story.entered if each.command_id not in refused and not each.dry_run]
    return facts


def _apply(facts: OrderFacts, envelope: Envelope[Event]) -> None:
    match event := envelope.data:
        case ShopIdentified():
            facts.strange.pop(event.shop, None)
        case ShopNotRecognized():
            facts.strange[event.shop] = event
        case DayClosed():
            facts.closes[event.key] = (envelope.sequence, event)
        case DifferenceAccepted():
            facts.accepted[event.key] = event
        case PaymentReceived() | ApprovalAsked() | PushRequested():
            _apply_request(facts.stories[order_key(event.shop, event.order_id)], event)
        case DeadLettered() | DeadLetterSettled():
            _apply_dead_letter(facts, event)
        case OrderChanged() | OrderRemoved() | OrderUnreadable():
            _apply_order(facts.stories[event.key], event)
        case RefundIssued() | RefundRemoved() | RefundUnreadable():
            _apply_refund(facts.stories[event.key], event)
        case SaleRecorded() | SaleDiverged() | CreditNoteRecorded() | NothingToCredit() | PaymentRecorded():
            _apply_document(facts.stories[event.key], event)
        case SalesOrderRecorded() | SalesOrderEnded():
            facts.stories[event.key].reserved = event if isinstance(event, SalesOrderRecorded) else None
        case _:
            return


def _apply_request(story: OrderHistory, event: PaymentReceived | ApprovalAsked | PushRequested) -> None:
    match event:
        case PaymentReceived():
            story.entered.append(event)
        case ApprovalAsked():
            story.asked[event.document] = event
        case PushRequested() if event.document == "order" and not event.dry_run:
            story.pushed = True


def _apply_dead_letter(facts: OrderFacts, event: DeadLettered | DeadLetterSettled) -> None:
    """A letter belongs to the order that it is about; its key may be an item, a client or an account."""
    if isinstance(event, DeadLettered) and (key := order_key_of(event)):
        facts.letters[event.dead_letter] = key
        facts.stories[key].letters[event.about] = event
        facts.stories[key].settled.pop(event.dead_letter, None)
    elif isinstance(event, DeadLetterSettled) and event.dead_letter in facts.letters:
        facts.stories[facts.letters[event.dead_letter]].settled[event.dead_letter] = event


def _apply_order(story: OrderHistory, event: OrderChanged | OrderRemoved | OrderUnreadable) -> None:
    story.unread = event if isinstance(event, OrderUnreadable) else None
    match event:
        case OrderChanged():
            story.order, story.removed = event, False
        case OrderRemoved():
            story.removed = True


def _apply_refund(story: OrderHistory, event: RefundIssued | RefundRemoved | RefundUnreadable) -> None:
    story.unread_refunds.pop(event.refund_id, None)
    match event:
        case RefundIssued():
            story.refunds[event.refund_id] = event
        case RefundRemoved():
            story.refunds.pop(event.refund_id, None)
        case RefundUnreadable():
            story.unread_refunds[event.refund_id] = event


def _apply_document(story: OrderHistory, event: DocumentEvent) -> None:
    match event:
        case SaleRecorded():
            story.sales.pop(event.sale, None)  # the last one stands last
            story.sales[event.sale] = event
        case SaleDiverged():
            story.diverged = event
        case CreditNoteRecorded():
            story.notes[event.refund_id] = event
        case NothingToCredit():
            story.nothing[event.refund_id] = event
        case PaymentRecorded():
            story.receipts[event.payment] = event
