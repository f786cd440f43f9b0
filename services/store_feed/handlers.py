"""What store-feed knows: which orders to look at, and what it stated last.

A subject is `shop:order`, `customer shop:id`, or one without a colon for a fault.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from contracts.envelope import Envelope
from contracts.identity import AcceptShopRequested
from contracts.model import Event, Instant, Part
from contracts.operations import PushRequested, ReadRequested
from contracts.returns import ReturnRequested
from contracts.shop import OrderChanged, OrderRemoved, RefundIssued, RefundRemoved
from services.shared.delivery.decision import NOTHING, Decision, Delivery
from services.shared.delivery.faults import decide_fault
from services.shared.delivery.handlers import Handlers
from services.shared.state.records import Kind, State
from services.store_feed import customers
from services.store_feed.hints import CUSTOMERS, ORDERS, unserved, wonder
from services.store_feed.identity import SUBJECT, accept_requested, decide_accept
from services.store_feed.stated_again import read_requested, stated_again

NAME = "store-feed"
READ = "order.read"


class Swept(Part):
    """How far the sweep of a shop has come."""

    modified_at: Instant


ORDER = Kind("order", OrderChanged)
"""The reference is the account that it names."""
REFUND = Kind("refund", RefundIssued)
SWEPT = Kind("swept", Swept)


def lane(shop: str) -> str:
    """The lane in which a shop's orders are read."""
    return f"shop.orders:{shop}"


def handlers(shops: Collection[str]) -> Handlers:
    """The rules of store-feed for these shops."""
    return Handlers(
        topics=("shop.orders", "shop.refunds", "shop.customers", "operations"),
        remember={
            OrderChanged: _order_changed,
            OrderRemoved: lambda envelope, state: state.drop(ORDER, envelope.data.key),
            RefundIssued: lambda e, state: state.put(REFUND, e.data.subject, e.data, e.data.key),
            RefundRemoved: lambda envelope, state: state.drop(REFUND, envelope.data.subject),
            PushRequested: _pushed,
            ReturnRequested: _pushed,
            ReadRequested: read_requested,
            AcceptShopRequested: accept_requested,
            **customers.REMEMBER,
        },
        decide=partial(_decide, frozenset(shops)),
        news={
            OrderChanged: stated_again(_order_news),
            OrderRemoved: stated_again(_removal_news),
            RefundIssued: stated_again(_refund_news),
            **customers.NEWS,
        },
    )


def _order_changed(envelope: Envelope[OrderChanged], state: State) -> None:
    order = envelope.data
    customers.let_go(state.get(ORDER, order.key), order, state)
    state.put(ORDER, order.key, order, customers.account_of(order))


def _pushed(envelope: Envelope[PushRequested | ReturnRequested], state: State) -> None:
    """A person wants the order exported: it is read again first, so that what is exported is what stands there."""
    wonder(f"{envelope.data.shop}:{envelope.data.order_id}", ORDERS, state)


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
    """Look at the order while there is a hint that no look has served."""
    subject = f"{shop}:{order_id}"
    hint = unserved(subject, ORDERS, state)
    if hint is None:
        return NOTHING
    payload = {"shop": shop, "order": order_id, "asked": hint.asked}
    return Decision(deliveries=(Delivery(f"read:{subject}", READ, lane(shop), subject, payload),))


def _order_news(event: OrderChanged, state: State) -> Sequence[Event]:
    """An order is news if anything but its modification time differs; refunds that it lost are said with it."""
    gone = [refund for refund in state.find(REFUND, event.key).values() if refund.refund_id not in event.refund_ids]
    removed = [
        RefundRemoved(shop=r.shop, order_id=r.order_id, refund_id=r.refund_id, observed_at=state.now) for r in gone
    ]
    return [*_changed(event, state.get(ORDER, event.key)), *removed]


def _refund_news(event: RefundIssued, state: State) -> Sequence[Event]:
    return _changed(event, state.get(REFUND, event.subject))


def _removal_news(event: OrderRemoved, state: State) -> Sequence[Event]:
    return [event] if state.get(ORDER, event.key) else []


def _changed(event: OrderChanged | RefundIssued, known: OrderChanged | RefundIssued | None) -> list[Event]:
    new, old = _content(event), _content(known) if known is not None else {}
    fields = tuple(sorted(name for name in new if new[name] != old.get(name)))
    return [event.model_copy(update={"changed": fields})] if fields else []


def _content(event: OrderChanged | RefundIssued) -> dict[str, Any]:
    return event.model_dump(exclude={"changed", "modified_at"})
