"""Answers about orders and refunds that were not taken: remembered, reported once, and asked for again.

What is remembered comes from the topics, so that a rebuilt database asks again too. The dead letter of each closes by
itself when an answer is taken, since nothing wants it any more.
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
"""Nothing is wrong yet: the shop is asked a second time, and nobody is told before."""

SEEN_TWICE = frozenset({Reason.SHOP_RECORD_UNREADABLE})
"""The shop has failed on the record repeatedly: nobody waits for another look before it is reported."""


def unreadable_records(order: str, state: State) -> list[OrderUnreadable | RefundUnreadable]:
    """What was not taken about an order (`shop:order`) and its refunds."""
    doubt = state.get(UNREADABLE_ORDER, order)
    return [*([doubt] if doubt else []), *state.find(UNREADABLE_REFUND, order).values()]


def since(doubts: Sequence[OrderUnreadable | RefundUnreadable]) -> datetime | None:
    """Since when answers are not taken."""
    return min((doubt.observed_at for doubt in doubts), default=None)


def find_dead_letters(order: str, looking: bool, state: State) -> Iterator[Refusal]:
    """A dead letter for each that a person must know of. While a look is due none is opened again, and none closed."""
    for doubt in unreadable_records(order, state):
        refusal = _refusal(doubt)
        awaited = looking and doubt.reason not in SEEN_TWICE and not _is_open(refusal.delivery.id, state)
        if doubt.reason not in UNCONFIRMED and not awaited:
            yield refusal


def _is_open(delivery: str, state: State) -> bool:
    parked = state.get(PARKED, dead_letter_id(NAME, delivery))
    return parked is not None and parked.state == "open"


def _refusal(doubt: OrderUnreadable | RefundUnreadable) -> Refusal:
    about = {"shop": doubt.shop, "order": doubt.order_id}
    if isinstance(doubt, RefundUnreadable):
        about["refund"] = doubt.refund_id
    kind = "refund" if isinstance(doubt, RefundUnreadable) else "order"
    delivery = Delivery(f"{kind}:{doubt.subject}", f"{kind}.read", "", doubt.key, about)
    return Refusal(delivery, Reason(doubt.reason), doubt.detail)


def _order_doubted(envelope: Envelope[OrderUnreadable], state: State) -> None:
    state.put(UNREADABLE_ORDER, envelope.data.key, envelope.data, envelope.data.shop)
    state.touch(envelope.data.key)


def _refund_doubted(envelope: Envelope[RefundUnreadable], state: State) -> None:
    state.put(UNREADABLE_REFUND, envelope.data.subject, envelope.data, envelope.data.key)
    state.touch(envelope.data.key)


def _replayed(envelope: Envelope[DeadLetterSettled], state: State) -> None:
    """A replayed letter has its order read again."""
    settled = envelope.data
    parked = state.get(PARKED, settled.dead_letter) if settled.service == NAME else None
    order = parked.letter.delivery.subject if parked and parked.letter.delivery else ""
    if settled.how != "replayed" or not order:
        return
    if state.get(FAULT, order):
        state.drop(FAULT, order)  # it is reported again when it is met again
    elif unreadable_records(order, state):
        request_refresh([order], ORDERS, state)


def _accepted(envelope: Envelope[ShopIdentified], state: State) -> None:
    """A person says that this is the shop, perhaps restored from a backup: older states count now."""
    if envelope.data.how == "accepted":
        request_refresh(state.find(UNREADABLE_ORDER, envelope.data.shop), ORDERS, state)


REMEMBER: Mapping[type[Event], Remember] = {
    OrderUnreadable: _order_doubted,
    RefundUnreadable: _refund_doubted,
    DeadLetterSettled: _replayed,
    ShopIdentified: _accepted,
}
