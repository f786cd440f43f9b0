"""What store-feed knows: which orders to look at, and what it stated last.

A subject is `shop:order`, `customer shop:id`, or one without a colon for a fault.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from functools import partial

from contracts.delivery_ids import order_key, read_id
from contracts.envelope import Envelope
from contracts.identity import AcceptShopRequested
from contracts.operations import PushRequested, ReadRequested
from contracts.reasons import Reason
from contracts.returns import ReturnRequested
from contracts.shop import OrderChanged, OrderRemoved, RefundIssued, RefundRemoved
from services.connectors.identity.status import KNOWN
from services.engine.outbox.decision import NOTHING, Decision, Delivery
from services.engine.outbox.faults import decide_fault
from services.engine.outbox.handlers import Handlers
from services.engine.state.records import State
from services.store_feed import customers, unreadable
from services.store_feed.identity import SUBJECT, decide_acceptance, on_accept_requested
from services.store_feed.news import NEWS, on_read_requested
from services.store_feed.order_reader import OrderReadPayload
from services.store_feed.records import (
    CUSTOMERS,
    HINT,
    LAST_READ,
    ORDER,
    ORDERS,
    REFUND,
    UNREADABLE_ORDER,
    UNREADABLE_REFUND,
    OrderState,
    newest_state,
    pending_hint,
    request_refresh,
    state_of_order,
)
from services.store_feed.unreadable import since, unreadable_records

# From what is remembered of an order to the next look at it.


def build_read_payload(shop: str, order_id: int, state: State) -> OrderReadPayload:
    """The next look at an order: it serves the hint that is open, or repeats the last look."""
    subject = order_key(shop, order_id)
    hint, looked, doubts = (
        pending_hint(subject, ORDERS, state),
        state.get(LAST_READ, subject),
        unreadable_records(subject, state),
    )
    refunds = state.find(UNREADABLE_REFUND, subject).values()
    missing = {doubt.refund_id: doubt.observed_at for doubt in refunds if doubt.reason == Reason.SHOP_REFUND_MISSING}
    gone = (doubt.observed_at for doubt in doubts if doubt.reason == Reason.SHOP_ORDER_MISSING)
    return OrderReadPayload(
        shop=shop,
        order=order_id,
        asked=hint.asked if hint else looked.served if looked else 0,
        known=newest_state(_shown(subject, state), _accepted_at(shop, state), state.now),
        refunds=tuple(sorted({*_refunds(subject, state)})),
        since=since(doubts),
        missing_since=next(gone, None),
        refunds_missing=missing,
    )


def _shown(order: str, state: State) -> Iterator[OrderState]:
    """The states that hints, the last fact and the last doubt of an order have shown."""
    hint, fact, doubt = state.get(HINT, order), state.get(ORDER, order), state.get(UNREADABLE_ORDER, order)
    looked = state.get(LAST_READ, order)
    if hint and hint.shown:
        yield hint.shown
    if fact:
        yield state_of_order(fact, looked.at if looked else None)
    if doubt and doubt.seen_modified_at:
        yield OrderState(modified_at=doubt.seen_modified_at, seen_at=doubt.observed_at)


def _refunds(order: str, state: State) -> Iterator[int]:
    """The refunds that were stated, those that wait, and those that an open hint has shown."""
    yield from (refund.refund_id for refund in state.find(REFUND, order).values())
    yield from (doubt.refund_id for doubt in state.find(UNREADABLE_REFUND, order).values())
    hint = pending_hint(order, ORDERS, state)
    if hint and hint.shown:
        yield from hint.shown.refund_ids


def _accepted_at(shop: str, state: State) -> datetime | None:
    """When a person accepted the shop, perhaps restored from a backup: what it had shown before does not count."""
    known = state.get(KNOWN, shop)
    return known.at if known and known.how == "accepted" else None


READ = "order.read"


def order_lane_name(shop: str) -> str:
    """The lane in which a shop's orders are read."""
    return f"shop.orders:{shop}"


def handlers(shops: Collection[str]) -> Handlers:
    """The rules of store-feed for these shops."""
    return Handlers(
        topics=("shop.orders", "shop.refunds", "shop.customers", "operations"),
        remember={
            OrderChanged: _order_changed,
            OrderRemoved: _order_removed,
            RefundIssued: _refund_issued,
            RefundRemoved: _refund_removed,
            PushRequested: _pushed,
            ReturnRequested: _pushed,
            ReadRequested: on_read_requested,
            AcceptShopRequested: on_accept_requested,
            **unreadable.REMEMBER,
            **customers.REMEMBER,
        },
        decide=partial(_decide, frozenset(shops)),
        news={**NEWS, **customers.NEWS},
    )


def _order_changed(envelope: Envelope[OrderChanged], state: State) -> None:
    order = envelope.data
    customers.check_dropped_account(state.get(ORDER, order.key), order, state)
    state.put(ORDER, order.key, order, customers.account_key(order))
    state.drop(UNREADABLE_ORDER, order.key)


def _order_removed(envelope: Envelope[OrderRemoved], state: State) -> None:
    """Nothing waits for an order that is gone."""
    order = envelope.data.key
    state.drop(ORDER, order)
    state.drop(UNREADABLE_ORDER, order)
    for refund in state.find(UNREADABLE_REFUND, order):
        state.drop(UNREADABLE_REFUND, refund)
    state.touch(order)


def _refund_issued(envelope: Envelope[RefundIssued], state: State) -> None:
    state.put(REFUND, envelope.data.subject, envelope.data, envelope.data.key)
    state.drop(UNREADABLE_REFUND, envelope.data.subject)


def _refund_removed(envelope: Envelope[RefundRemoved], state: State) -> None:
    state.drop(REFUND, envelope.data.subject)
    state.drop(UNREADABLE_REFUND, envelope.data.subject)


def _pushed(envelope: Envelope[PushRequested | ReturnRequested], state: State) -> None:
    """A person wants the order exported: it is read again first, so that what is exported is what stands there."""
    request_refresh([order_key(envelope.data.shop, envelope.data.order_id)], ORDERS, state)


def _decide(shops: Collection[str], subject: str, state: State) -> Decision:
    if subject.startswith(SUBJECT):
        return decide_acceptance(subject, state)
    if subject.startswith(CUSTOMERS.subject):
        return customers.decide_customer(shops, subject.removeprefix(CUSTOMERS.subject), state)
    shop, colon, order_id = subject.partition(":")
    if not colon:
        return decide_fault(subject, state)
    return _look(shop, int(order_id), state) if shop in shops else NOTHING


def _look(shop: str, order_id: int, state: State) -> Decision:
    """Look at the order while there is a hint that no look has served, or while the last answer was not taken."""
    subject = order_key(shop, order_id)
    hint, looked = pending_hint(subject, ORDERS, state), state.get(LAST_READ, subject)
    if hint is None and not unreadable.unreadable_records(subject, state):
        return NOTHING
    payload = build_read_payload(shop, order_id, state).model_dump(mode="json")
    not_before = looked.again_at if looked and hint is None else None
    look = Delivery(read_id(subject), READ, order_lane_name(shop), subject, payload, not_before=not_before)
    return Decision(deliveries=(look,), refuse=tuple(unreadable.find_dead_letters(subject, hint is not None, state)))
