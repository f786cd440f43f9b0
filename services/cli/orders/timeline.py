"""The timeline of an order: everything in the topics about it, and its total in the books."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from contracts.approvals import ApprovalAsked, ApprovalGiven
from contracts.clients import ContactsConflicted, ContactsMerged
from contracts.customers import CustomerRemoved, CustomerReturned
from contracts.delivery_ids import order_key
from contracts.envelope import Envelope
from contracts.ledger import (
    Attempt,
    CreditNoteRecorded,
    SaleRecorded,
)
from contracts.model import Event
from contracts.operations import DeadLettered, DeadLetterSettled, PaymentReceived, PushRequested
from contracts.order_statuses import is_void
from contracts.privacy import ForgetRequested
from contracts.returns import ReturnRequested
from contracts.shop import OrderChanged, OrderRemoved, RefundIssued, RefundRemoved
from services.console.model.event_text import describe_event
from services.engine.clock import local_time
from services.engine.outbox.dead_letters import order_key_of

TOPICS = (
    "shop.orders", "shop.refunds", "shop.customers", "ledger.documents", "shop.notices", "dead-letters", "commands",
    "operations",
)  # fmt: skip

OF_AN_ORDER = (
    PushRequested, PaymentReceived, ReturnRequested, ApprovalAsked, ContactsMerged, ContactsConflicted,
)  # fmt: skip
"""Events whose key is not that of their order."""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of the timeline: time, service, text."""

    at: str
    who: str
    what: str


@dataclass(frozen=True, slots=True)
class OrderTimeline:
    """The timeline of an order, and its totals (None if unknown). `state` is its state with the reason."""

    title: str
    entries: tuple[TimelineEntry, ...]
    sale: Decimal | None
    credited: Decimal
    shop: Decimal | None
    waits: bool
    state: str = ""

    @property
    def matches(self) -> bool:
        """Whether the books agree with the shop."""
        return self.sale is not None and self.sale - self.credited == self.shop


def is_about_order(event: Event, key: str) -> bool:
    """Whether an event belongs to the order `shop:id`."""
    if isinstance(event, CustomerRemoved | CustomerReturned):
        return False  # its key is an account id, which may equal an order id
    if isinstance(event, OF_AN_ORDER):
        return order_key(event.shop, event.order_id) == key
    if isinstance(event, DeadLettered | DeadLetterSettled):
        return isinstance(event, DeadLettered) and order_key_of(event) == key  # its key may be that of a client
    return event.key == key


def _approves(event: Event, asked: Iterable[ApprovalAsked]) -> bool:
    """Whether an approval covers a document of the order: the document itself, or its shape."""
    return isinstance(event, ApprovalGiven) and any(
        (event.shop, event.shape) == (one.shop, one.shape) and event.document in (None, one.document) for one in asked
    )


def _forgets(event: Event, people: Container[str]) -> bool:
    """Whether the event erased the data of the order's buyer."""
    return isinstance(event, ForgetRequested) and not event.dry_run and event.person_ref in people


def _ends_account(event: Event, accounts: Container[str]) -> bool:
    """Whether the buyer's account was deleted or restored."""
    return isinstance(event, CustomerRemoved | CustomerReturned) and event.key in accounts


def _closes(event: Event, dead_letters: Container[str]) -> bool:
    """Whether an event closes one of these dead letters."""
    return isinstance(event, DeadLetterSettled) and event.dead_letter in dead_letters


def _events_of_order(key: str, known: Sequence[Envelope[Event]]) -> Iterable[Envelope[Event]]:
    """The events of an order, and those about its shapes, its buyers and their accounts."""
    asked = [e.data for e in known if isinstance(e.data, ApprovalAsked) and is_about_order(e.data, key)]
    orders = [e.data for e in known if isinstance(e.data, OrderChanged) and e.data.key == key]
    people = {order.person_ref for order in orders}
    accounts = {f"{order.shop}:{order.customer_id}" for order in orders}
    dead_letters = {
        e.data.dead_letter for e in known if isinstance(e.data, DeadLettered) and order_key_of(e.data) == key
    }
    for envelope in known:
        event = envelope.data
        about = (_approves(event, asked), _forgets(event, people), _ends_account(event, accounts))
        if is_about_order(event, key) or any(about) or _closes(event, dead_letters):
            yield envelope


def build_timeline(key: str, envelopes: Iterable[Envelope[Event]]) -> OrderTimeline | None:
    """Build the timeline of an order; None if the topics have no event of it."""
    known = list(envelopes)
    events_of_order = sorted(_events_of_order(key, known), key=lambda e: (e.time, e.sequence))
    if not events_of_order:
        return None
    events = [envelope.data for envelope in events_of_order]
    order = next((event for event in reversed(events) if isinstance(event, OrderChanged)), None)
    sales = {event.sale: event.total for event in events if isinstance(event, SaleRecorded)}
    notes = {event.subject: event.total for event in events if isinstance(event, CreditNoteRecorded)}
    return OrderTimeline(
        title=_title(key, order),
        entries=tuple(entry for envelope in events_of_order for entry in _entries(envelope)),
        sale=sum(sales.values(), Decimal(0)) if sales else None,
        credited=sum(notes.values(), Decimal(0)),
        shop=_shop_total(order, events) if order else None,
        waits=_has_open_dead_letter(events),
    )


def _shop_total(order: OrderChanged, events: Iterable[Event]) -> Decimal:
    """The total in the shop less refunds; zero for cancelled or removed orders."""
    last = next((e for e in reversed(list(events)) if isinstance(e, OrderChanged | OrderRemoved)), None)
    gone = is_void(order) or isinstance(last, OrderRemoved)
    return Decimal(0) if gone else order.total - _refunded(events)


def _refunded(events: Iterable[Event]) -> Decimal:
    amounts: dict[int, Decimal] = {}
    for event in events:
        if isinstance(event, RefundIssued):
            amounts[event.refund_id] = event.amount
        elif isinstance(event, RefundRemoved):
            amounts.pop(event.refund_id, None)
    return sum(amounts.values(), Decimal(0))


def _has_open_dead_letter(events: Iterable[Event]) -> bool:
    open_ids: set[str] = set()
    for event in events:
        if isinstance(event, DeadLettered):
            open_ids.add(event.dead_letter)
        elif isinstance(event, DeadLetterSettled):
            open_ids.discard(event.dead_letter)
    return bool(open_ids)


def _title(key: str, order: OrderChanged | None) -> str:
    shop, order_id = key.split(":")
    if order is None:
        return f"Order {order_id} · {shop} · not read yet"
    paid = f"paid {local_time(order.paid_at)}" if order.paid_at else "not paid"
    return f"Order {order.number} · {shop} · {order.total} {order.currency} · {order.payment_method} · {paid}"


def _entries(envelope: Envelope[Event]) -> list[TimelineEntry]:
    event, who = envelope.data, envelope.source.replace("-", " ")
    entries = [
        TimelineEntry(_clock(attempt), who, f"{attempt.outcome}: {attempt.detail}") for attempt in _attempts(event)
    ]
    return [*entries, TimelineEntry(local_time(envelope.time, seconds=True), who, str(describe_event(event)))]


def _clock(attempt: Attempt) -> str:
    return local_time(attempt.at, seconds=True)


def _attempts(event: Event) -> tuple[Attempt, ...]:
    if isinstance(event, DeadLettered):
        return event.delivery.attempts if event.delivery else ()
    return getattr(event, "attempts", ())
