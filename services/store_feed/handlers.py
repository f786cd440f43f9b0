"""What store-feed knows: which orders to look at, and what it stated last.

A subject is `shop:order`, `customer shop:id`, or one without a colon for a fault.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from contracts.delivery_ids import order_key, read_id
from contracts.envelope import Envelope
from contracts.identity import AcceptShopRequested
from contracts.operations import PushRequested, ReadRequested
from contracts.returns import ReturnRequested
from contracts.shop import OrderChanged, OrderRemoved, RefundIssued, RefundRemoved
from services.engine.outbox.decision import NOTHING, Decision, Delivery
from services.engine.outbox.faults import decide_fault
from services.engine.outbox.handlers import Handlers
from services.engine.state.records import State
from services.store_feed import customers, doubts
from services.store_feed.hints import CUSTOMERS, LOOKED, ORDERS, unserved, wonder
from services.store_feed.identity import SUBJECT, accept_requested, decide_accept
from services.store_feed.news import NEWS
from services.store_feed.records import ORDER, ORDER_DOUBT, REFUND, REFUND_DOUBT
from services.store_feed.stated_again import read_requested
from services.store_feed.wanted import wanted

READ = "order.read"


def lane(shop: str) -> str:
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
            ReadRequested: read_requested,
            AcceptShopRequested: accept_requested,
            **doubts.REMEMBER,
            **customers.REMEMBER,
        },
        decide=partial(_decide, frozenset(shops)),
        news={**NEWS, **customers.NEWS},
    )


def _order_changed(envelope: Envelope[OrderChanged], state: State) -> None:
    order = envelope.data
    customers.let_go(state.get(ORDER, order.key), order, state)
    state.put(ORDER, order.key, order, customers.account_of(order))
    state.drop(ORDER_DOUBT, order.key)


def _order_removed(envelope: Envelope[OrderRemoved], state: State) -> None:
    """Nothing waits for an order that is gone."""
    order = envelope.data.key
    state.drop(ORDER, order)
    state.drop(ORDER_DOUBT, order)
    for refund in state.find(REFUND_DOUBT, order):
        state.drop(REFUND_DOUBT, refund)
    state.touch(order)


def _refund_issued(envelope: Envelope[RefundIssued], state: State) -> None:
    state.put(REFUND, envelope.data.subject, envelope.data, envelope.data.key)
    state.drop(REFUND_DOUBT, envelope.data.subject)


def _refund_removed(envelope: Envelope[RefundRemoved], state: State) -> None:
    state.drop(REFUND, envelope.data.subject)
    state.drop(REFUND_DOUBT, envelope.data.subject)


def _pushed(envelope: Envelope[PushRequested | ReturnRequested], state: State) -> None:
    """A person wants the order exported: it is read again first, so that what is exported is what stands there."""
    wonder([order_key(envelope.data.shop, envelope.data.order_id)], ORDERS, state)


def _decide(shops: Collection[str], subject: str, state: State) -> Decision:
    if subject.startswith(SUBJECT):
        return decide_accept(subject, state)
    if subject.startswith(CUSTOMERS.subject):
        return customers.decide(shops, subject.removeprefix(CUSTOMERS.subject), state)
    shop, colon, order_id = subject.partition(":")
    if not colon:
        return decide_fault(subject, state)
    return _look(shop, int(order_id), state) if shop in shops else NOTHING


def _look(shop: str, order_id: int, state: State) -> Decision:
    """Look at the order while there is a hint that no look has served, or while the last answer was not taken."""
    subject = order_key(shop, order_id)
    hint, looked = unserved(subject, ORDERS, state), state.get(LOOKED, subject)
    if hint is None and not doubts.doubts_of(subject, state):
        return NOTHING
    payload = wanted(shop, order_id, state).model_dump(mode="json")
    not_before = looked.again_at if looked and hint is None else None
    look = Delivery(read_id(subject), READ, lane(shop), subject, payload, not_before=not_before)
    return Decision(deliveries=(look,), refuse=tuple(doubts.letters(subject, hint is not None, state)))
