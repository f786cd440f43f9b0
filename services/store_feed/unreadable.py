"""Orders and refunds that cannot be read: they are remembered, reported once, and read again.

They are remembered from the topics, so that a rebuilt database reads them again too. The dead letter of each closes by
itself once it can be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from contracts.envelope import Envelope
from contracts.identity import ShopIdentified
from contracts.model import Event
from contracts.operations import DeadLetterSettled
from contracts.reasons import Reason
from contracts.shop import OrderUnreadable, RefundUnreadable
from services.engine.outbox.dead_letters import PARKED, dead_letter_id
from services.engine.outbox.decision import Delivery, Refusal
from services.engine.outbox.faults import FAULT
from services.engine.outbox.handlers import Remember
from services.engine.state.records import State
from services.store_feed.records import NAME, ORDERS, UNREADABLE_ORDER, UNREADABLE_REFUND, request_refresh

UNCONFIRMED = frozenset({Reason.SHOP_ORDER_MISSING, Reason.SHOP_REFUND_MISSING})
"""Not an error yet: it is read a second time before it is reported."""

SEEN_TWICE = frozenset({Reason.SHOP_RECORD_UNREADABLE})
"""The shop has failed on the record repeatedly: it is reported without waiting for another read."""


def unreadable_records(order: str, state: State) -> list[OrderUnreadable | RefundUnreadable]:
    """Return what cannot be read of an order (`shop:order`) and its refunds."""
    unreadable = state.get(UNREADABLE_ORDER, order)
    return [*([unreadable] if unreadable else []), *state.find(UNREADABLE_REFUND, order).values()]


def unreadable_since(records: Sequence[OrderUnreadable | RefundUnreadable]) -> datetime | None:
    """Return since when the first of these records cannot be read."""
    return min((record.observed_at for record in records), default=None)


def find_dead_letters(order: str, reading: bool, state: State) -> Iterator[Refusal]:
    """Yield a dead letter for each record that a person must know of.

    `reading`: a read of the order is due. Until it is done, no dead letter is opened again, and none is closed.
    """
    for record in unreadable_records(order, state):
        refusal = _refusal(record)
        awaited = reading and record.reason not in SEEN_TWICE and not _is_open(refusal.delivery.id, state)
        if record.reason not in UNCONFIRMED and not awaited:
            yield refusal


def _is_open(delivery: str, state: State) -> bool:
    parked = state.get(PARKED, dead_letter_id(NAME, delivery))
    return parked is not None and parked.state == "open"


def _refusal(record: OrderUnreadable | RefundUnreadable) -> Refusal:
    about = {"shop": record.shop, "order": record.order_id}
    if isinstance(record, RefundUnreadable):
        about["refund"] = record.refund_id
    kind = "refund" if isinstance(record, RefundUnreadable) else "order"
    delivery = Delivery(f"{kind}:{record.subject}", f"{kind}.read", "", record.key, about)
    return Refusal(delivery, Reason(record.reason), record.detail)


def _on_order_unreadable(envelope: Envelope[OrderUnreadable], state: State) -> None:
    state.put(UNREADABLE_ORDER, envelope.data.key, envelope.data, envelope.data.shop)
    state.touch(envelope.data.key)


def _on_refund_unreadable(envelope: Envelope[RefundUnreadable], state: State) -> None:
    state.put(UNREADABLE_REFUND, envelope.data.subject, envelope.data, envelope.data.key)
    state.touch(envelope.data.key)


def _on_dead_letter_settled(envelope: Envelope[DeadLetterSettled], state: State) -> None:
    """The replay of a dead letter causes a read of its order."""
    settled = envelope.data
    parked = state.get(PARKED, settled.dead_letter) if settled.service == NAME else None
    order = parked.event.delivery.subject if parked and parked.event.delivery else ""
    if settled.how != "replayed" or not order:
        return
    if state.get(FAULT, order):
        state.drop(FAULT, order)  # it is reported again if it occurs again
    elif unreadable_records(order, state):
        request_refresh([order], ORDERS, state)


def _on_shop_identified(envelope: Envelope[ShopIdentified], state: State) -> None:
    """A person accepts a shop, which may be restored from a backup: older states count now."""
    if envelope.data.how == "accepted":
        request_refresh(state.find(UNREADABLE_ORDER, envelope.data.shop), ORDERS, state)


REMEMBER: Mapping[type[Event], Remember] = {
    OrderUnreadable: _on_order_unreadable,
    RefundUnreadable: _on_refund_unreadable,
    DeadLetterSettled: _on_dead_letter_settled,
    ShopIdentified: _on_shop_identified,
}
