"""What each event adds to a timeline, and to which: an order's, a dead letter's, an account's or a person's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from contracts.approvals import ApprovalAsked, ApprovalGiven
from contracts.clients import ContactsConflicted, ContactsMerged
from contracts.customers import CustomerRemoved, CustomerReturned
from contracts.delivery_ids import order_key
from contracts.envelope import Envelope
from contracts.ledger import Attempt
from contracts.model import Event
from contracts.operations import (
    DeadLettered,
    DeadLetterSettled,
    DiscardRequested,
    EditRequested,
    PaymentReceived,
    PushRequested,
    ReplayRequested,
)
from contracts.privacy import ForgetRequested
from contracts.registry import EVENTS
from contracts.returns import ReturnRequested
from services.console.model.event_text import describe_event
from services.console.model.rows import TIMELINE, TimelineRow
from services.engine.outbox.handlers import Remember
from services.engine.state.records import State

ORDER_TOPICS = ("shop.orders", "shop.refunds", "ledger.documents", "shop.notices")
"""The key of every event in these topics is that of its order."""


def dead_letter_ref(dead_letter: str) -> str:
    """The timeline of a dead letter."""
    return f"dead-letter:{dead_letter}"


def account_ref(shop: str, customer_id: int) -> str:
    """The timeline of a buyer's account: it concerns all orders of the account."""
    return f"account:{shop}:{customer_id}"


def person_ref(ref: str) -> str:
    """The timeline of a person: it concerns all of their orders."""
    return f"person:{ref}"


def shape_ref(shop: str, shape: str) -> str:
    """The timeline of approvals of a shape: it concerns all orders that waited for one."""
    return f"shape:{shop}:{shape}"


def _of_order(event: Any) -> str:
    return order_key(event.shop, event.order_id)


def _of_dead_letter(event: Any) -> str:
    return dead_letter_ref(event.dead_letter)


def _of_account(event: CustomerRemoved | CustomerReturned) -> str:
    return account_ref(event.shop, event.customer_id)


def _of_shape(event: ApprovalGiven) -> str:
    return shape_ref(event.shop, event.shape)


def _of_person(event: ForgetRequested) -> str:
    return "" if event.dry_run else person_ref(event.person_ref)


def _refs(events: Iterable[type[Event]], ref_of: Callable[[Any], str]) -> dict[type[Event], Callable[[Any], str]]:
    return dict.fromkeys(events, ref_of)


REF_OF: Mapping[type[Event], Callable[[Any], str]] = {
    **_refs([event for event in EVENTS if event.TOPIC in ORDER_TOPICS], lambda event: event.key),
    **_refs(
        (PushRequested, PaymentReceived, ReturnRequested, ApprovalAsked, ContactsMerged, ContactsConflicted), _of_order
    ),
    **_refs((DeadLettered, DeadLetterSettled, ReplayRequested, DiscardRequested, EditRequested), _of_dead_letter),
    **_refs((CustomerRemoved, CustomerReturned), _of_account),
    ApprovalGiven: _of_shape,
    ForgetRequested: _of_person,
}
"""To which timeline an event belongs; "" to none."""


def _remember(envelope: Envelope[Any], state: State) -> None:
    event = envelope.data
    ref = REF_OF[type(event)](event)
    if ref:
        state.put(TIMELINE, envelope.id, make_entry(envelope), ref=ref)


def make_entry(envelope: Envelope[Any]) -> TimelineRow:
    """The entry of an event."""
    return TimelineRow(
        event=envelope.id,
        type=envelope.type,
        source=envelope.source,
        at=envelope.time,
        sequence=envelope.sequence,
        message=describe_event(envelope.data),
        attempts=attempts_of(envelope.data),
        document=getattr(envelope.data, "document", None) or "" if isinstance(envelope.data, ApprovalGiven) else "",
    )


def attempts_of(event: Event) -> tuple[Attempt, ...]:
    """The attempts that did not simply succeed before this event."""
    if isinstance(event, DeadLettered):
        return event.delivery.attempts if event.delivery else ()
    return getattr(event, "attempts", ())


TIMELINE_RULES: Mapping[type[Event], Remember] = dict.fromkeys(REF_OF, _remember)
